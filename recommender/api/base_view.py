"""The base of every view: scope, budget, who may use a viewer's token, and the caching headers of answers."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.strict import StrictView
from recommender import served_lists
from recommender.api.access.authentication import ApiPrincipal
from recommender.api.http import conditional_get
from recommender.models import ApiKey, ServedList
from recommender.serving import concurrency


class ApiView(StrictView):
    """A view of the API. `self.validated` holds the values of the query or body, as the operation describes them."""

    required_scope: str = ApiKey.Scope.READ
    throttle_scope = "reads"
    allow_viewer_token = False  # whether a viewer's token may call it
    surface: ServedList.Surface | None = None  # what its lists are recorded as; None: they are not

    @contextmanager
    def reading_limits(self, request: Request) -> Iterator[None]:
        """Tell admission control whose call this is, and whether somebody waits for it, before the body is read."""
        principal = cast(ApiPrincipal | None, request.auth)
        caller = principal.prefix if principal else request.META.get("REMOTE_ADDR", "")
        concurrency.begin_call(caller, interactive=self.throttle_scope != "batch")
        served_lists.begin(self.surface)
        yield

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Add the caching headers: a read may be kept by its client and asked for again, all else is not stored."""
        # An answer is true now and not later: no cache between server and client may keep it.
        is_read = request.method == "GET" and response.status_code == 200 and self.throttle_scope == "reads"
        response.headers.setdefault("Cache-Control", conditional_get.REVALIDATE if is_read else "private, no-store")
        speaks_languages = "title_languages" in getattr(self, "validated", ())
        if speaks_languages and isinstance(response.data, Mapping) and response.data.get("language"):
            response.headers["Content-Language"] = response.data["language"]
        if is_read:
            response.headers["Vary"] = "Authorization, Accept-Language" if speaks_languages else "Authorization"
            response.add_post_render_callback(partial(conditional_get.apply_etag, request._request))
        if self.surface is not None and (lists := served_lists.take()):
            response.add_post_render_callback(partial(_record, lists))
        return super().finalize_response(request, response, *args, **kwargs)


def _record(lists: Sequence[served_lists.ServedEntry], response: HttpResponse) -> None:
    """Hand the lists of an answer to the log, unless the client was told to go on with the copy that it has."""
    if response.status_code == 200:
        served_lists.submit(lists)
