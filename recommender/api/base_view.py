"""The base of every view: scope, budget, who may use a viewer's token, and the caching headers of answers."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.strict import VIEWER_FIELD, StrictView, token_viewer
from catalog.keys import parse_key
from recommender import served_lists, viewer_keys
from recommender.api.access.authentication import ApiPrincipal
from recommender.api.http import conditional_get
from recommender.models import ApiKey, ServedList
from recommender.serving import concurrency, current_versions
from recommender.serving.current_versions import ANONYMOUS, ListRead, RateWindow


class ApiView(StrictView):
    """A view of the API. `self.validated` holds the values of the query or body, as the operation describes them."""

    required_scope: str = ApiKey.Scope.READ
    throttle_scope = "reads"
    allow_viewer_token = False  # whether a viewer's token may call it
    surface: ServedList.Surface | None = None  # what its lists are recorded as; None: they are not
    begins_with_list = False  # whether a GET begins with what Redis has of the viewer's list
    list_read: ListRead | None = None  # what it has, where it was read when the call was counted

    def count_call(self, request: Request, window: RateWindow) -> int | None:
        """Count the call and return how many the caller made in the window; None where Redis does not count. What the
        call begins with is read in the same round trip."""
        viewer_id = _viewer_in_query(request) if self.begins_with_list and request.method == "GET" else None
        calls, self.list_read = current_versions.count_call(window, viewer_id=viewer_id)
        return calls

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


def _viewer_in_query(request: Request) -> int | None:
    """Return the id of the one viewer that the call is for, ANONYMOUS where it names none; None where that takes a look
    elsewhere, or is refused."""
    key, texts = token_viewer(request), request.query_params.getlist(VIEWER_FIELD)
    if key is None and not texts:
        return ANONYMOUS
    if key is None:
        key = parse_key(texts[0])
    return None if key is None else viewer_keys.recall(key)
