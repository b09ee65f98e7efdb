"""How much alike two movies are by what the catalogue says: genres, texts, people, series, years, language, countries,
certificate, runtime.

What people call similar is told by content more than by clicks (Yao and Harper 2018, on MovieLens), so this is the
larger part of `similar`, and all of it for a film that no model knows. Each signal says how much two movies share of
one kind of fact, 0..1. What they share counts the more the fewer movies have it; what is not known is not shared. The
weighted sum of the signals is the evidence that two movies are alike, and 1 - exp(-evidence) their similarity.
"""

from collections.abc import Callable
from types import MappingProxyType

import numpy as np

from catalog.selectors import CatalogueTable
from recommender.movies.indexes import segment_sums
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
    return similarity.astype(np.float32)


def content_evidence(snapshot: CatalogueSnapshot, row: int) -> np.ndarray:
    """Return the evidence that each movie is like the one at `row`, float64 [movies], 0 for nothing in common."""
    evidence = np.zeros(len(snapshot.table.ids))
    for name, weight in WEIGHTS.items():
        evidence += weight * SIGNALS[name](snapshot, row)
    return evidence


def _genres(snapshot: CatalogueSnapshot, row: int) -> np.ndarray:
    """Return the soft cosine of the genres (Sidorov et al. 2014), float64 [movies]: genres that often go together are
    a little alike, those that hardly ever do speak against. A genre weighs the more the fewer movies have it."""
    table, genres = snapshot.table, snapshot.table.genre_of
    own = genres[table.genre_start[row] : table.genre_start[row + 1]]
    kinship = snapshot.cached_array("genre kinship", None, lambda snapshot, _: _genre_kinship(snapshot))
    norms = snapshot.cached_array("genre norms", None, lambda snapshot, _: _genre_norms(snapshot.table, kinship))
    products = segment_sums(table.genre_start, kinship[own].sum(0)[genres])
    return np.clip(products / np.maximum(norms * norms[row], 1e-9), 0, 1)


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


def _genre_norms(table: CatalogueTable, kinship: np.ndarray) -> np.ndarray:
    """Return the square root of what each movie's genres add for themselves, float64 [movies]."""
    owner = np.repeat(np.arange(len(table.ids)), np.diff(table.genre_start))
    squares = np.zeros(len(table.ids))
    for genre in range(len(kinship)):
        rows = owner[table.genre_of == genre]
        squares[rows] += segment_sums(table.genre_start, kinship[genre][table.genre_of])[rows]
    least = np.zeros(len(table.ids))
    np.maximum.at(least, owner, kinship.diagonal()[table.genre_of])
    return np.sqrt(np.maximum(squares, least))


def _texts(snapshot: CatalogueSnapshot, row: int) -> np.ndarray:
    """Return the cosine of what overviews and tags say, float64 [movies]."""
    vectors = vectors_of(snapshot)
    if vectors is None:
        return np.zeros(len(snapshot.table.ids))
    return np.maximum(vectors @ vectors[row], 0).astype(np.float64)


def _people(snapshot: CatalogueSnapshot, row: int) -> np.ndarray:
    """Return 1 - exp(-sum of the rates of the people in common, each times how rare they are), float64 [movies]."""
    table, index = snapshot.table, snapshot.movies_by_person
    credits = slice(int(table.credit_start[row]), int(table.credit_start[row + 1]))
    rates: dict[int, float] = {}
    for person, role in zip(table.credit_person[credits].tolist(), table.credit_role[credits].tolist(), strict=True):
        rates[person] = max(rates.get(person, 0.0), DIRECTOR_RATE if role == DIRECTOR else ACTOR_RATE)
    total = np.zeros(len(table.ids))
    for person, rate in rates.items():
        rows = np.unique(index.postings(person))
        total[rows] += rate * _rarity(len(rows), len(table.ids))
    return -np.expm1(-total)


def _series(snapshot: CatalogueSnapshot, row: int) -> np.ndarray:
    """Return 1 for the movies of the same series, float64 [movies]."""
    series = series_of(snapshot)
    return np.where(series == series[row], 1.0, 0.0) if series[row] >= 0 else np.zeros(len(series))


def _years(snapshot: CatalogueSnapshot, row: int) -> np.ndarray:
    return _nearness(snapshot.table.year, row, YEAR_SCALE, snapshot.table.year > 0)


def _runtime(snapshot: CatalogueSnapshot, row: int) -> np.ndarray:
    return _nearness(snapshot.table.runtime, row, RUNTIME_SCALE, snapshot.table.runtime > 0)


def _certificate(snapshot: CatalogueSnapshot, row: int) -> np.ndarray:
    """Return how near the ages are from which the movies may be watched, float64 [movies]."""
    table = snapshot.table
    unknown = [number for number, name in enumerate(table.certificates) if not name]
    return _nearness(table.age, row, AGE_SCALE, ~np.isin(table.certificate, unknown))


def _nearness(values: np.ndarray, row: int, scale: float, known: np.ndarray) -> np.ndarray:
    """Return exp(-distance / scale) to the value at `row`, float64 [movies]; 0 where one of both is not known."""
    if not known[row]:
        return np.zeros(len(values))
    apart = np.abs(values.astype(np.int32) - int(values[row]))
    return np.where(known, np.exp(-apart / scale), 0.0)


def _language(snapshot: CatalogueSnapshot, row: int) -> np.ndarray:
    """Return how rare the original language of both is, float64 [movies]; dialects of a language are one."""
    table = snapshot.table
    numbers: dict[str, int] = {"": 0}
    names = [numbers.setdefault(tag.split("-")[0].lower(), len(numbers)) for tag in table.languages]
    languages = np.array(names, np.int16)[table.language]
    if not languages[row]:
        return np.zeros(len(languages))
    same = languages == languages[row]
    return same * _rarity(int(np.count_nonzero(same)), int(np.count_nonzero(languages)))


def _countries(snapshot: CatalogueSnapshot, row: int) -> np.ndarray:
    """Return how rare the rarest country of origin in common is, float64 [movies]."""
    table = snapshot.table
    rarest = np.zeros(len(table.ids))
    if table.country_start is None:
        return rarest
    owner = np.repeat(np.arange(len(table.ids)), np.diff(table.country_start))
    known = int(np.count_nonzero(np.diff(table.country_start)))
    for country in table.country_of[table.country_start[row] : table.country_start[row + 1]].tolist():
        rows = owner[table.country_of == country]
        rarest[rows] = np.maximum(rarest[rows], _rarity(len(rows), known))
    return rarest


def _rarity(bearers: int, movies: int) -> float:
    """Return how rare something is that so many of the movies have: 0 if all have it, 1 if one alone has."""
    return float(np.log(movies / bearers) / np.log(movies)) if movies > bearers > 0 else 0.0


SIGNALS: MappingProxyType[str, Callable[[CatalogueSnapshot, int], np.ndarray]] = MappingProxyType(
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
