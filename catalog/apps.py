"""The app of the catalogue."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """Registers the system checks when the app is ready."""

    name = "catalog"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Importing registers the checks; they need models, which are loaded by now.
        from catalog import checks  # noqa: F401
