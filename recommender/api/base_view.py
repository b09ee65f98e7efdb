"""The base of every view: scope, budget, who may use a viewer's token, and the caching headers of answers."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.strict import VIEWER_FIELD, StrictView, has_body, token_viewer
from catalog.keys import parse_key
from recommender import served_lists, viewer_keys
from recommender.api.access.authentication import ApiPrincipal
from recommender.api.http import conditional_get, kept_answers
from recommender.api.http.kept_answers import KeptAnswer, Question, TriedOn
from recommender.models import ApiKey, ServedList
from recommender.serving import concurrency, current_versions, metrics
from recommender.serving.current_versions import ANONYMOUS, ListRead, RateWindow
from recommender.serving.home.page_parts import Page
from recommender.serving.response import Answer
from recommender.serving.similar import SimilarMovies

MAX_SEARCHED = 100_000  # bytes of a body in which the viewer is looked for
_VIEWER_IN_JSON = re.compile(rb'"user_id"\s*:\s*(?:([0-9]{1,10})\b|"([!#-\[\]-~]{1,128})")')  # a number, or plain ASCII


class ApiView(StrictView):
    """A view of the API. `self.validated` holds the values of the query or body, as the operation describes them."""

    required_scope: str = ApiKey.Scope.READ
    throttle_scope = "reads"
    allow_viewer_token = False  # whether a viewer's token may call it
    surface: ServedList.Surface | None = None  # what its lists are recorded as; None: they are not
    begins_with_list = False  # whether a GET or POST begins with what Redis has of the viewer's list
    list_read: ListRead | None = None  # what it has, where it was read when the call was counted
    keeps_answers = False  # whether a GET may be answered again with what this process keeps
    kept: KeptAnswer | None = None  # the answer of before, where it stands
    _keep: Callable[[Sequence[bytes], HttpResponse], None] | None = None  # keeps the answer once it is rendered

    def count_call(self, request: Request, window: RateWindow) -> int | None:
        """Count the call and return how many the caller made in the window; None where Redis does not count. What the
        call begins with is read in the same round trip."""
        if self._may_keep(request) and (kept := kept_answers.find(Question.of(request))) is not None:
            calls, read = current_versions.count_call_and_repeat(window, kept.basis.read.command)
            if read is not None and kept.stands(read.reply):
                self.kept = kept
            return calls
        viewer_id = _viewer_in_call(request) if self.begins_with_list else None
        calls, self.list_read = current_versions.count_call(window, viewer_id=viewer_id)
        return calls

    def _may_keep(self, request: Request) -> bool:
        return self.keeps_answers and request.method == "GET" and not has_body(request)

    def keep_answer(self, answer: Answer | Page | SimilarMovies, tried_on: TriedOn) -> None:
        """Have the answer to this call kept, if it can be given again."""
        if answer.basis is not None and self._may_keep(self.request):
            counters = metrics.counters_of(answer)
            self._keep = partial(kept_answers.keep, Question.of(self.request), answer.basis, tried_on, counters)

    def read_call(self, request: Request) -> None:
        """Validate the call, unless the answer of before stands."""
        if self.kept is None:
            super().read_call(request)
        else:
            self._begin_call(request)

    def _begin_call(self, request: Request) -> None:
        """Tell admission control whose call this is, and whether somebody waits for it."""
        principal = cast(ApiPrincipal | None, request.auth)
        caller = principal.prefix if principal else request.META.get("REMOTE_ADDR", "")
        concurrency.begin_call(caller, interactive=self.throttle_scope != "batch")

    @contextmanager
    def reading_limits(self, request: Request) -> Iterator[None]:
        """Begin the call before its body is read."""
        self._begin_call(request)
        served_lists.begin(self.surface)
        yield

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Add the caching headers: a read may be kept by its client and asked for again, all else is not stored."""
        if self.kept is not None and response.status_code in (200, 304):
            return response
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
            packed = [entry.pack() for entry in lists]
            response.add_post_render_callback(partial(_record, packed))
            if self._keep is not None:
                response.add_post_render_callback(partial(self._keep, packed))
        return super().finalize_response(request, response, *args, **kwargs)


def _record(lists: Sequence[bytes], response: HttpResponse) -> None:
    """Hand the lists of an answer to the log, unless the client was told to go on with the copy that it has."""
    if response.status_code == 200:
        served_lists.submit(lists)


def _viewer_in_call(request: Request) -> int | None:
    """Return the id of the one viewer that the call seems to be for, ANONYMOUS where it names none; None where that
    takes a look elsewhere, or is refused."""
    key = token_viewer(request)
    if key is None:
        text = _viewer_in_body(request) if has_body(request) else request.query_params.get(VIEWER_FIELD)
        if text is None:
            return ANONYMOUS
        key = parse_key(text)
    return None if key is None else viewer_keys.recall(key)


def _viewer_in_body(request: Request) -> str | None:
    """Return the viewer that a body of JSON seems to name, before it is parsed: a call that is refused for its rate
    costs no more. Whatever stands there, what is read for this viewer is used for no other."""
    is_short = int(request.META["CONTENT_LENGTH"]) <= MAX_SEARCHED
    found = _VIEWER_IN_JSON.search(request._request.body) if is_short else None
    return None if found is None else (found[1] or found[2]).decode()
