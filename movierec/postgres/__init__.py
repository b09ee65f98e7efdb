"""Django's Postgres backend with a circuit breaker: settings.py names it as the ENGINE."""
