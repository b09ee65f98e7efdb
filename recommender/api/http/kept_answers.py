"""Answers that this process keeps: while all that an answer was made from stands, the same call gets it again, with new
ids of its lists, which are recorded like those of any other answer.

Whether it stands is asked of Redis in the round trip that counts the call. The call is authenticated, permitted and
counted before; it is not read again, as it was valid.
"""

import re
import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Self

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from catalog.api.strict import token_viewer
from catalog.keys import Key
from infrastructure.signals import second_model_loads
from recommender import experiments, process_state, served_lists
from recommender.api.http.conditional_get import not_modified
from recommender.serving import metrics
from recommender.serving.response import Basis

MAX_BYTES = 12 << 20
OVERHEAD = 1_500  # bytes of an answer beside its body and its records
# It begins with a text and no look behind, which the search would try at each character: a fifteenth of the time.
_LIST_ID = re.compile(rb'"recommendation_id":"([0-9a-f]{32})"')
_NO_ID = b"\0"  # stands in no JSON


TriedOn = tuple[int | None, str]  # whose arm of an experiment an answer depends on, and the experiment's surface


class Question(NamedTuple):
    """What an answer depends on, of a GET."""

    path: str
    query: str
    languages: str
    viewer: Key | None  # whose token came with the call

    @classmethod
    def of(cls, request: Request) -> Self:
        """Return what a call asks."""
        meta = request.META
        return cls(request.path, meta["QUERY_STRING"], meta.get("HTTP_ACCEPT_LANGUAGE", ""), token_viewer(request))


class KeptAnswer(NamedTuple):
    """An answer without the ids of its lists."""

    basis: Basis  # with the digest of what Redis replied in place of it
    tried_on: TriedOn
    assignment: experiments.Assignment | None  # of that viewer, on that surface
    counters: Sequence[str]  # that it adds to
    headers: Mapping[str, str]
    body: bytes  # compressed, _NO_ID for each field with an id: a home page takes an eighth
    records: Sequence[bytes]  # for the log of served lists, each without the id that begins it

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return OVERHEAD + len(self.body) + sum(map(len, self.records))

    def stands(self, reply: object) -> bool:
        """Say whether it may be given again where Redis now has this reply."""
        return self.basis.stands(_digest(reply), time.time()) and self.assignment == experiments.assign(*self.tried_on)

    def respond(self, request: HttpRequest) -> HttpResponse:
        """Give the answer again; 304 where the client has it."""
        started = time.perf_counter()
        response = not_modified(request, self.headers)
        if response is None:
            ids = [served_lists.new_list_id() for _ in self.records]
            first, *others = zlib.decompress(self.body).split(_NO_ID)
            parts = [first]
            for list_id, part in zip(ids, others, strict=True):
                parts += (b'"recommendation_id":"%b"' % list_id.encode(), part)
            response = HttpResponse(b"".join(parts), headers=self.headers)
            served_lists.submit(
                bytes.fromhex(list_id) + record for list_id, record in zip(ids, self.records, strict=True)
            )
        metrics.count_answer(self.counters, time.perf_counter() - started)
        return response


_answers: OrderedDict[Question, KeptAnswer] = OrderedDict()  # the one given last is last
_total = process_state.Value("API: bytes of the answers that are kept", 0)
_lock = threading.Lock()


def _forget_viewers(viewer_ids: Collection[int]) -> None:
    with _lock:
        for question in [question for question, kept in _answers.items() if kept.tried_on[0] in viewer_ids]:
            _total.current -= _answers.pop(question).size


def _make_room(**_: Any) -> None:
    """Forget all answers: they are lists of the model that is about to go."""
    with _lock:
        _answers.clear()
        _total.current = 0


process_state.register("API: answers that are kept", _answers.clear, _forget_viewers)
second_model_loads.connect(_make_room)


def _digest(reply: Any) -> int:
    """Return 64 bits that stand for what Redis replied, by Python's keyed hash: a page of 20 kB is in Redis alone."""
    return hash(tuple(reply) if isinstance(reply, list) else reply)


def find(question: Question) -> KeptAnswer | None:
    """Return the answer that was kept for a question; ask it whether it stands."""
    with _lock:
        kept = _answers.get(question)
        if kept is not None:
            _answers.move_to_end(question)
        return kept


def keep(
    question: Question,
    basis: Basis,
    tried_on: TriedOn,
    counters: Sequence[str],
    lists: Sequence[bytes],
    response: HttpResponse,
) -> None:
    """Keep a rendered answer, unless it is 304. `lists`: its records for the log."""
    if response.status_code != 200:
        return
    records = {packed[: served_lists.ID_BYTES].hex().encode(): packed[served_lists.ID_BYTES :] for packed in lists}
    parts = _LIST_ID.split(response.content)  # every second one is an id
    if parts[1::2] != list(records):
        return
    kept = KeptAnswer(
        basis._replace(read=basis.read._replace(reply=_digest(basis.read.reply))),
        tried_on,
        experiments.assign(*tried_on),
        counters,
        dict(response.headers),
        zlib.compress(_NO_ID.join(parts[::2]), 1),
        list(records.values()),
    )
    with _lock:
        former = _answers.pop(question, None)
        _answers[question] = kept
        _total.current += kept.size - (former.size if former is not None else 0)
        while _total.current > MAX_BYTES:
            _total.current -= _answers.popitem(last=False)[1].size
