from django.apps import AppConfig


class MovierecConfig(AppConfig):
    name = "movierec"

    def ready(self) -> None:
        # Importing is what makes the Celery application current and registers the system checks.
        from movierec import celery, checks, login_lockout  # noqa: F401
