"""Django's Postgres backend with an eye on whether Postgres is there: settings.py names it as the ENGINE."""
