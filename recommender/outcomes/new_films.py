"""New films of which little is known: each gets some impressions, until its click-through is known well enough.

What a film gets is bounded three ways: by the share of lists that have a place for one, by its impressions in all
lists, and by the days that it is new. Which film gets a place is drawn: each film's click-through from its posterior,
the highest one wins (Thompson sampling; Chapelle and Li, "An empirical evaluation of Thompson sampling", NIPS 2011).
The prior is a Beta distribution around the click-through of all films.
"""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from catalog.models import Movie
from recommender import process_state
from recommender.models import NewFilm, Outcome
from recommender.outcomes.insights import add_up, read_days

PRIOR_IMPRESSIONS = 20  # that the prior weighs as
DEFAULT_RATE = 0.1  # of clicks, while nothing was seen
RATE_DAYS = 14  # of which the click-through of all films is taken
MAX_FILMS = 200  # at a time, the newest
NARROW = 1.0  # an interval of 95 % that is narrower than this many times the click-through of all films is enough
REFRESH_SECONDS = 30.0


class OpenFilms(NamedTuple):
    """The films that may get a place, as this process last read them."""

    read_at: float  # monotonic seconds
    movie_ids: np.ndarray  # int32 [n]
    alpha: np.ndarray  # float64 [n], of the posterior of each film's click-through
    beta: np.ndarray  # float64 [n]


_NONE = OpenFilms(float("-inf"), np.empty(0, np.int32), np.empty(0), np.empty(0))
_open: process_state.Value[OpenFilms] = process_state.Value("new films: those that may get a place", _NONE)


def is_on() -> bool:
    """Say whether a share of the lists has a place for a new film."""
    return bool(settings.NEW_FILM_SHARE > 0)


def open_films() -> OpenFilms:
    """Return the films that may get a place. No query in a web process, whose watcher reads them; elsewhere one, the
    first time."""
    return refresh_open() if _open.current is _NONE else _open.current


def refresh_open_now_and_then() -> None:
    """Read every half minute which films may get a place; called at every tick of a web process's watcher."""
    if is_on() and time.monotonic() - _open.current.read_at >= REFRESH_SECONDS:
        refresh_open()


def refresh_open() -> OpenFilms:
    """Read which films may get a place, from Postgres."""
    rows = list(NewFilm.objects.filter(is_open=True).values_list("movie_id", "alpha", "beta"))
    ids, alpha, beta = zip(*rows, strict=True) if rows else ((), (), ())
    _open.current = OpenFilms(time.monotonic(), np.array(ids, np.int32), np.array(alpha, float), np.array(beta, float))
    return _open.current


def count(stored: Iterable[tuple[int, int]]) -> None:
    """Add outcomes that were stored, as film and kind, to what is known of new films; in the same transaction."""
    counts = Counter(stored)
    new = NewFilm.objects.filter(movie_id__in={movie_id for movie_id, _ in counts}).values_list("movie_id", flat=True)
    for movie_id in new if counts else ():
        NewFilm.objects.filter(movie_id=movie_id).update(
            impressions=F("impressions") + counts[movie_id, Outcome.Kind.IMPRESSION],
            clicks=F("clicks") + counts[movie_id, Outcome.Kind.CLICK],
        )


def refresh_new_films() -> int:
    """Note which films are new, and which of them may get a place. Returns how many may."""
    if not is_on():
        NewFilm.objects.update(is_open=False)
        return 0
    today, rate = timezone.now().date(), DEFAULT_RATE
    total = add_up(read_days(today - timedelta(days=RATE_DAYS), today))
    if total["impressions"]:
        rate = min(0.99, max(0.001, total["clicks"] / total["impressions"]))
    since = timezone.now() - timedelta(days=settings.NEW_FILM_DAYS)
    newest = Movie.objects.filter(added_at__gt=since, published=True).order_by("-added_at", "-pk")
    ids = list(newest.values_list("pk", flat=True)[:MAX_FILMS])
    with transaction.atomic():
        NewFilm.objects.exclude(movie_id__in=ids).delete()
        NewFilm.objects.bulk_create([NewFilm(movie_id=movie_id) for movie_id in ids], ignore_conflicts=True)
        films = list(NewFilm.objects.select_for_update())
        for film in films:
            _judge(film, rate)
        NewFilm.objects.bulk_update(films, ["alpha", "beta", "low", "high", "is_open"])
    return sum(film.is_open for film in films)


def _judge(film: NewFilm, rate: float) -> None:
    """Set a film's posterior, its interval, and whether it may get a place."""
    from scipy.stats import beta

    clicks = min(film.clicks, film.impressions)
    film.alpha = rate * PRIOR_IMPRESSIONS + clicks
    film.beta = (1 - rate) * PRIOR_IMPRESSIONS + film.impressions - clicks
    film.low, film.high = (float(end) for end in beta.interval(0.95, film.alpha, film.beta))
    film.is_open = film.impressions < settings.NEW_FILM_IMPRESSIONS and film.high - film.low > NARROW * rate


def sample(
    films: OpenFilms, among: np.ndarray, fit: Sequence[float] | np.ndarray, rng: np.random.Generator
) -> int | None:
    """Return the film of highest click-through, drawn from its posterior and times its fit; None where none fits.

    `among`: bool [n], the films that may be chosen. `fit`: float [n], 0 to 1, how far each is to the viewer's taste.
    """
    worth = rng.beta(films.alpha, films.beta) * np.asarray(fit) * among
    return int(films.movie_ids[int(worth.argmax())]) if worth.any() else None
