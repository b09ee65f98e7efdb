"""How the whole system is doing, judged in one place: `system.report()`. The admin's first page, GET /health/system and
`manage.py status` show it, each in its own form."""
