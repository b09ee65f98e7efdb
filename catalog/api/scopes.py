"""Which scope a call of the catalogue needs. The API keys that have them are recommender's."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS

READ_SCOPE, WRITE_SCOPE = "recommend:read", "catalog:write"
VISIBILITY_PARAMETER = "published"  # the parameter by which a read asks for films that are not shown


class CatalogueScopes:
    """Reads of what is shown are for every reader; changes, and reads of what is not, for who keeps the catalogue."""

    allow_viewer_token = True

    @property
    def required_scope(self) -> str:
        request: Any = getattr(self, "request", None)
        if request is None or (request.method in SAFE_METHODS and VISIBILITY_PARAMETER not in request.GET):
            return READ_SCOPE
        return WRITE_SCOPE

    @property
    def throttle_scope(self) -> str:
        return "reads" if self.required_scope == READ_SCOPE else "batch"
