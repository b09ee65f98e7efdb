"""The scope that a call of the catalogue needs. The API keys that have scopes are in `recommender`."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS

READ_SCOPE, WRITE_SCOPE = "recommend:read", "catalog:write"
VISIBILITY_PARAMETER = "published"  # the parameter by which a read asks for movies that are not visible


class CatalogueScopes:
    """Opens reads of visible movies to every reader; changes, and reads of hidden movies, need the write scope."""

    allow_viewer_token = True

    @property
    def required_scope(self) -> str:
        """The scope of the current call."""
        request: Any = getattr(self, "request", None)
        if request is None or (request.method in SAFE_METHODS and VISIBILITY_PARAMETER not in request.GET):
            return READ_SCOPE
        return WRITE_SCOPE

    @property
    def throttle_scope(self) -> str:
        """The budget that the current call counts against."""
        return "reads" if self.required_scope == READ_SCOPE else "batch"
