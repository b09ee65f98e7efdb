"""Judge how the system is doing: process readiness, whole-system health, list coverage and the rollback guard. The
dashboard of the admin, GET /health, GET /health/system and `manage.py status` show the results."""
