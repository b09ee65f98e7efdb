from django.apps import AppConfig


class MovierecConfig(AppConfig):
    """The project as an app: its templates, system checks and the Celery application."""

    name = "movierec"

    def ready(self) -> None:
        """Import what registers itself."""
        # Importing is what makes the Celery application current and registers the system checks.
        from movierec import celery, checks, login_lockout  # noqa: F401
