"""What overlapping rows say of one film together: one watch and its rewatches, one rating, one of each list."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.conf import settings

from catalog.exchange.history.rows import Basis, Kind, Statement

SAME_VIEWING = timedelta(days=1)  # a film that was stopped and went on
_WATCHES = (Kind.WATCH, Kind.REWATCH)
_FIRST_YEAR = 1900  # an event is of no year before


class Said(NamedTuple):
    """A statement, and the position of its row."""

    row: int
    statement: Statement


def merge_statements(said: Sequence[Said], year: int | None, last_watch: datetime | None = None) -> list[Said]:
    """Return what holds of all that was said of one film, each with its moment.

    A watch with its day stands before one that was only noted, and that before one without a date. The rating that
    counts at the site stands before others; its moment is that of the watch it came with. What has no date at all is
    of the viewer's last watch that is known from before, else of the first day of the film's `year`.
    """
    rating = _choose_rating([one for one in said if one.statement.kind == Kind.RATING])
    watches = _choose_watches([one for one in said if one.statement.kind in _WATCHES], rating)
    if rating and rating.statement.at is None and watches:
        rating = Said(rating.row, rating.statement._replace(at=watches[-1].statement.at))
    others: dict[Kind | None, Said] = {}
    for one in said:
        kind = one.statement.kind
        if kind not in (*_WATCHES, Kind.RATING) and (kind not in others or _is_later(one, others[kind])):
            others[kind] = one
    undated = last_watch or datetime(max(year or 0, _FIRST_YEAR) if year else 1970, 1, 1, tzinfo=UTC)
    chosen = [*watches, *([rating] if rating else []), *others.values()]
    return [one if one.statement.at else Said(one.row, one.statement._replace(at=undated)) for one in chosen]


def _is_later(one: Said, other: Said) -> bool:
    """Say whether one is the later word; of two of one moment the one that stands behind."""
    return _moment(one) >= _moment(other)


def _moment(one: Said) -> datetime:
    return one.statement.at or datetime.min.replace(tzinfo=UTC)


def _choose_rating(ratings: Sequence[Said]) -> Said | None:
    chosen = None
    current = [one for one in ratings if one.statement.basis is Basis.CURRENT]
    for one in current or ratings:
        if chosen is None or _is_later(one, chosen):
            chosen = one
    if chosen is None:
        return None
    with_watch = [
        one
        for one in ratings
        if one.statement.basis is Basis.DEED and one.statement.at and one.statement.stars == chosen.statement.stars
    ]
    return max(with_watch, key=_moment) if with_watch else chosen


def _choose_watches(watches: Iterable[Said], rating: Said | None) -> list[Said]:
    ordered = sorted(watches, key=_moment)
    done = [one for one in ordered if one.statement.basis is Basis.DEED and one.statement.at]
    if done:
        return _number_watches(done)
    noted = [one for one in ordered if one.statement.at]
    chosen = (noted or ordered)[:1]
    if chosen and chosen[0].statement.at is None and rating and rating.statement.at:
        chosen = [Said(chosen[0].row, chosen[0].statement._replace(at=rating.statement.at))]
    return [Said(one.row, one.statement._replace(kind=Kind.WATCH)) for one in chosen]


def _number_watches(done: Sequence[Said]) -> list[Said]:
    """Return the viewings in order: the first is the watch, unless it is called a rewatch; the others are rewatches.

    Plays within a day are one viewing. Until one of them has seen the film, the next is a watch still; what was begun
    again after that is left out.
    """
    viewings: list[Said] = []
    for one in done:
        previous = viewings[-1] if viewings else None
        if previous and _is_same_viewing(previous.statement, one.statement):
            viewings[-1] = Said(previous.row, _add_play(previous.statement, one.statement))
        else:
            viewings.append(one)
    kept: list[Said] = []
    is_seen = False
    for one in viewings:
        share = one.statement.completion
        is_whole = share is None or share >= settings.SEEN_SHARE
        if is_seen and not is_whole:
            continue
        kept.append(Said(one.row, one.statement._replace(kind=Kind.REWATCH)) if is_seen else one)
        is_seen = is_seen or is_whole
    return kept


def _is_same_viewing(previous: Statement, later: Statement) -> bool:
    if previous.at is None or later.at is None:
        return False
    if later.kind == Kind.REWATCH:
        return previous.at.date() == later.at.date()
    return later.at - previous.at <= SAME_VIEWING


def _add_play(statement: Statement, more: Statement) -> Statement:
    """Return a viewing with a play that went on with it."""
    if statement.completion is None or more.completion is None:
        return statement._replace(completion=None)
    return statement._replace(completion=min(1.0, statement.completion + more.completion))
