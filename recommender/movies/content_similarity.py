"""How much alike two movies are by what the catalogue says: genres, texts, people, series, years, language, countries,
certificate, runtime.

What people call similar is told by content more than by clicks (Yao and Harper 2018, on MovieLens), so this is the
larger part of `similar`, and all of it for a film that no model knows. Each signal says how much two movies share of
one kind of fact, 0..1. What they share counts the more the fewer movies have it; what is not known is not shared. The
weighted sum of the signals is the evidence that two movies are alike, and 1 - exp(-evidence) their similarity.
"""

from collections.abc import Callable
from itertools import pairwise
from types import MappingProxyType

import numpy as np

from catalog.selectors import CatalogueTable
from recommender.movies.indexes import csr_gather
from recommender.movies.series import series_of
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.movies.text_vectors import vectors_of

# `./run bench quality --similar` fits those that its data can tell, and prints them.
WEIGHTS = MappingProxyType(
    {
        "genres": 1.5,
        "texts": 0.9,
        "people": 0.9,
        "series": 0.9,
        "years": 0.3,
        "language": 0.3,
        "countries": 0.3,
        "certificate": 0.1,
        "runtime": 0.1,
    }
)
DIRECTOR_RATE, ACTOR_RATE = 0.8, 0.4  # of somebody in two movies alone; one in common gives 1 - exp(-this)
KINSHIP, MAX_LIFT = 0.2, 1.5  # of the most akin genres; log of how often they go together, over chance
YEAR_SCALE = 15.0  # years apart at which the nearness in time has fallen to 1/e
AGE_SCALE, RUNTIME_SCALE = 6.0, 45.0  # the same: years of age by the certificates, minutes
DIRECTOR = 1  # catalog.models.Credit.Role


def similarity_to_movie(snapshot: CatalogueSnapshot, row: int) -> np.ndarray:
    """Return how similar each movie is to the one at `row` by content, float32 [movies], 0..1; 1 for itself."""
    return similarity_from(content_evidence(snapshot, row), row)


def similarity_from(evidence: np.ndarray, row: int) -> np.ndarray:
    """Return the similarity to the movie at `row` that evidence [movies] amounts to, float32, 0..1; 1 for itself."""
    similarity = -np.expm1(-evidence)
    similarity[row] = 1
    return similarity


def content_evidence(snapshot: CatalogueSnapshot, row: int) -> np.ndarray:
    """Return the evidence that each movie is like the one at `row`, float32 [movies], 0 for nothing in common."""
    evidence = np.zeros(len(snapshot.table.ids), np.float32)
    for name, weight in WEIGHTS.items():
        signal = SIGNALS[name](snapshot, row)
        if signal is not None:
            evidence += np.float32(weight) * signal
    return evidence


def _genres(snapshot: CatalogueSnapshot, row: int) -> np.ndarray | None:
    """Return the soft cosine of the genres (Sidorov et al. 2014), float32 [movies]: genres that often go together are
    a little alike, those that hardly ever do speak against. A genre weighs the more the fewer movies have it."""
    table = snapshot.table
    own = table.genre_of[table.genre_start[row] : table.genre_start[row + 1]]
    if not len(own):
        return None
    kinship = snapshot.cached_array("genre kinship", None, lambda snapshot, _: _genre_kinship(snapshot))
    sets = snapshot.cached_array("genre sets", None, lambda snapshot, _: _genre_sets(snapshot.table))
    bearers = snapshot.cached_array("genre sets' bearers", None, lambda *_: np.unique(sets, return_index=True)[1])
    norms = snapshot.cached_array("genre norms", None, lambda *_: _genre_norms(table, kinship, bearers))
    owner, entries = csr_gather(table.genre_start, bearers)
    products = np.bincount(owner, kinship[own].sum(0)[table.genre_of[entries]], minlength=len(bearers))
    cosines = np.clip(products / np.maximum(norms * norms[sets[row]], 1e-9), 0, 1)
    return cosines.astype(np.float32)[sets]


def _genre_sets(table: CatalogueTable) -> np.ndarray:
    """Return one number for the movies of the same genres, int32 [movies]: there are far fewer of them than movies."""
    numbers: dict[bytes, int] = {}
    starts = table.genre_start.tolist()
    sets = [numbers.setdefault(table.genre_of[start:stop].tobytes(), len(numbers)) for start, stop in pairwise(starts)]
    return np.array(sets, np.int32)


def _genre_kinship(snapshot: CatalogueSnapshot) -> np.ndarray:
    """Return how much a genre of one movie adds for a genre of another, float64 [genres, genres]."""
    table, movies = snapshot.table, np.diff(snapshot.movies_by_genre.starts)
    owner = np.repeat(np.arange(len(table.ids)), np.diff(table.genre_start))
    together = np.zeros((len(movies), len(movies)))
    for genre in range(len(movies)):
        has = np.zeros(len(table.ids), bool)
        has[snapshot.movies_by_genre.postings(genre)] = True
        together[genre] = np.bincount(table.genre_of[has[owner]], minlength=len(movies))
    expected = np.outer(movies, movies) / max(len(table.ids), 1)
    related = KINSHIP * np.clip(np.log((together + 1) / (expected + 1)), -MAX_LIFT, MAX_LIFT) / MAX_LIFT
    np.fill_diagonal(related, 1)
    weights = np.sqrt(np.log1p(len(table.ids) / np.maximum(movies, 1)))
    return related * np.sqrt(np.outer(weights, weights))


def _genre_norms(table: CatalogueTable, kinship: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the square root of what the genres of the movies at `rows` [n] add for themselves, float64 [n]."""
    norms = np.zeros(len(rows))
    for place, row in enumerate(rows.tolist()):
        own = table.genre_of[table.genre_start[row] : table.genre_start[row + 1]]
        if len(own):
            added = kinship[np.ix_(own, own)]
            norms[place] = np.sqrt(max(added.sum(), added.diagonal().max()))
    return norms


def _texts(snapshot: CatalogueSnapshot, row: int) -> np.ndarray | None:
    """Return the cosine of what overviews and tags say, float32 [movies]."""
    vectors = vectors_of(snapshot)
    if vectors is None or not vectors[row].any():
        return None
    return np.maximum(vectors @ vectors[row], 0)


def _people(snapshot: CatalogueSnapshot, row: int) -> np.ndarray | None:
    """Return 1 - exp(-sum of the rates of the people in common, each times how rare they are), float32 [movies]."""
    table, index = snapshot.table, snapshot.movies_by_person
    credits = slice(int(table.credit_start[row]), int(table.credit_start[row + 1]))
    rates: dict[int, float] = {}
    for person, role in zip(table.credit_person[credits].tolist(), table.credit_role[credits].tolist(), strict=True):
        rates[person] = max(rates.get(person, 0.0), DIRECTOR_RATE if role == DIRECTOR else ACTOR_RATE)
    if not rates:
        return None
    total = np.zeros(len(table.ids), np.float32)
    for person, rate in rates.items():
        rows = np.unique(index.postings(person))
        total[rows] += rate * _rarity(len(rows), len(table.ids))
    return -np.expm1(-total)


def _series(snapshot: CatalogueSnapshot, row: int) -> np.ndarray | None:
    """Return 1 for the movies of the same series, float32 [movies]."""
    series = series_of(snapshot)
    return (series == series[row]).astype(np.float32) if series[row] >= 0 else None


def _years(snapshot: CatalogueSnapshot, row: int) -> np.ndarray | None:
    return _nearness(snapshot.table.year, row, YEAR_SCALE)


def _runtime(snapshot: CatalogueSnapshot, row: int) -> np.ndarray | None:
    return _nearness(snapshot.table.runtime, row, RUNTIME_SCALE)


def _nearness(values: np.ndarray, row: int, scale: float) -> np.ndarray | None:
    """Return exp(-distance / scale) to the value at `row`, float32 [movies]; 0 where one of both is 0, not known."""
    value = int(values[row])
    if value <= 0:
        return None
    by_value = np.exp(-np.abs(np.arange(int(values.max()) + 1) - value) / scale).astype(np.float32)
    by_value[0] = 0
    return by_value[values]


def _certificate(snapshot: CatalogueSnapshot, row: int) -> np.ndarray | None:
    """Return how near the ages are from which the movies may be watched, float32 [movies]."""
    table = snapshot.table
    known = np.array([bool(name) for name in table.certificates], np.float32)
    if not len(known) or not known[table.certificate[row]]:
        return None
    first = snapshot.cached_array("ages", None, lambda *_: np.unique(table.certificate, return_index=True)[1])
    numbers, ages = table.certificate[first], table.age[first].astype(np.int32)
    by_certificate = np.zeros(len(known), np.float32)
    by_certificate[numbers] = known[numbers] * np.exp(-np.abs(ages - int(table.age[row])) / AGE_SCALE)
    return by_certificate[table.certificate]


def _language(snapshot: CatalogueSnapshot, row: int) -> np.ndarray | None:
    """Return how rare the original language of both is, float32 [movies]; dialects of a language are one."""
    table = snapshot.table
    names = np.array([tag.split("-")[0].lower() for tag in table.languages])
    if not names[table.language[row]]:
        return None
    counts = snapshot.cached_array(
        "languages", None, lambda *_: np.bincount(table.language, minlength=len(table.languages))
    )
    same = names == names[table.language[row]]
    rarity = _rarity(int(counts[same].sum()), int(counts[names != ""].sum()))
    return (same * np.float32(rarity))[table.language]


def _countries(snapshot: CatalogueSnapshot, row: int) -> np.ndarray | None:
    """Return how rare the rarest country of origin in common is, float32 [movies]."""
    table = snapshot.table
    if table.country_start is None or table.country_start[row] == table.country_start[row + 1]:
        return None
    rarest = np.zeros(len(table.ids), np.float32)
    owner = np.repeat(np.arange(len(table.ids)), np.diff(table.country_start))
    known = int(np.count_nonzero(np.diff(table.country_start)))
    for country in table.country_of[table.country_start[row] : table.country_start[row + 1]].tolist():
        rows = owner[table.country_of == country]
        rarest[rows] = np.maximum(rarest[rows], _rarity(len(rows), known))
    return rarest


def _rarity(bearers: int, movies: int) -> float:
    """Return how rare something is that so many of the movies have: 0 if all have it, 1 if one alone has."""
    return float(np.log(movies / bearers) / np.log(movies)) if movies > bearers > 0 else 0.0


# Each returns None where it knows nothing of the movie at the row.
SIGNALS: MappingProxyType[str, Callable[[CatalogueSnapshot, int], np.ndarray | None]] = MappingProxyType(
    {
        "genres": _genres,
        "texts": _texts,
        "people": _people,
        "series": _series,
        "years": _years,
        "language": _language,
        "countries": _countries,
        "certificate": _certificate,
        "runtime": _runtime,
    }
)
