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
from recommender.movies.series import NO_SERIES, series_of
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.movies.text_vectors import LENGTH, vectors_of

# `./run bench quality --similar` fits those that its data can tell, and prints them.
WEIGHTS = MappingProxyType(
    {
        "genres": 1.5,
        "texts": 0.9,
        "people": 0.6,
        "series": 0.9,
        "years": 0.2,
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


Rows = np.ndarray  # int64 [b]
Among = np.ndarray | slice  # rows of the movies that they are compared with


def similarity_to_movie(snapshot: CatalogueSnapshot, row: int) -> np.ndarray:
    """Return how similar each movie is to the one at `row` by content, float32 [movies], 0..1; 1 for itself."""
    similarity = similarity_from(content_evidence(snapshot, np.array([row]))[0])
    similarity[row] = 1
    return similarity


def similarity_from(evidence: np.ndarray) -> np.ndarray:
    """Return the similarity that evidence amounts to, float32, 0..1."""
    return -np.expm1(-evidence)


def content_evidence(snapshot: CatalogueSnapshot, rows: Rows, among: Among = slice(None)) -> np.ndarray:
    """Return the evidence that each movie of `among`, by default all, is like those at `rows` [b]: float32 [b, n], 0
    for nothing in common. It is the same, to the last digit, for a movie alone and for many at once."""
    evidence = np.zeros((len(rows), len(snapshot.table.ids[among])), np.float32)
    for name, weight in WEIGHTS.items():
        signal = SIGNALS[name](snapshot, rows, among)
        if signal is not None:
            signal *= np.float32(weight)
            evidence += signal
    return evidence


def _genres(snapshot: CatalogueSnapshot, rows: Rows, among: Among) -> np.ndarray | None:
    """Return the soft cosine of the genres (Sidorov et al. 2014): genres that often go together are a little alike,
    those that hardly ever do speak against. A genre weighs the more the fewer movies have it."""
    table = snapshot.table
    kinship = snapshot.cached_array("genre kinship", None, lambda snapshot, _: _genre_kinship(snapshot))
    sets = snapshot.cached_array("genre sets", None, lambda snapshot, _: _genre_sets(snapshot.table))
    bearers = snapshot.cached_array("genre sets' bearers", None, lambda *_: np.unique(sets, return_index=True)[1])
    norms = snapshot.cached_array("genre norms", None, lambda *_: _genre_norms(table, kinship, bearers))
    owner, entries = csr_gather(table.genre_start, bearers)
    own_sets, numbers = np.unique(sets[rows], return_inverse=True)
    cosines = np.empty((len(own_sets), len(bearers)), np.float32)
    for number, own_set in enumerate(own_sets.tolist()):
        own = table.genre_of[slice(*table.genre_start[bearers[own_set] : bearers[own_set] + 2].tolist())]
        products = np.bincount(owner, kinship[own].sum(0)[table.genre_of[entries]], minlength=len(bearers))
        cosines[number] = np.clip(products / np.maximum(norms * norms[own_set], 1e-9), 0, 1)
    return np.take(cosines, sets[among], axis=1)[numbers]


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


def _texts(snapshot: CatalogueSnapshot, rows: Rows, among: Among) -> np.ndarray | None:
    """Return the cosine of what overviews and tags say."""
    vectors = vectors_of(snapshot)
    if vectors is None or not vectors[rows].any():
        return None
    cosines = vectors[rows] @ vectors[among].T
    cosines *= np.float32(1 / LENGTH**2)
    return np.maximum(cosines, 0, out=cosines)


def _people(snapshot: CatalogueSnapshot, rows: Rows, among: Among) -> np.ndarray | None:
    """Return 1 - exp(-sum of the rates of the people in common, each times how rare they are)."""
    table, index, count = snapshot.table, snapshot.movies_by_person, len(snapshot.table.ids)
    shared = np.zeros((len(rows), len(table.ids[among])), np.float32)
    of_all = np.zeros(count, np.float32)
    for position, row in enumerate(rows.tolist()):
        credits = slice(int(table.credit_start[row]), int(table.credit_start[row + 1]))
        rates: dict[int, float] = {}
        for person, role in zip(
            table.credit_person[credits].tolist(), table.credit_role[credits].tolist(), strict=True
        ):
            rates[person] = max(rates.get(person, 0.0), DIRECTOR_RATE if role == DIRECTOR else ACTOR_RATE)
        met = []
        for person, rate in rates.items():
            films = np.unique(index.postings(person))
            of_all[films] += rate * _rarity(len(films), count)
            met.append(films)
        if met:
            touched = np.unique(np.concatenate(met))
            of_all[touched] = -np.expm1(-of_all[touched])
            shared[position] = of_all[among]
            of_all[touched] = 0
    return shared


def _series(snapshot: CatalogueSnapshot, rows: Rows, among: Among) -> np.ndarray | None:
    """Return 1 for the movies of the same series."""
    series = series_of(snapshot)
    own = np.where(series[rows] >= 0, series[rows], NO_SERIES - 1)
    return (own[:, None] == series[among]).astype(np.float32)


def _years(snapshot: CatalogueSnapshot, rows: Rows, among: Among) -> np.ndarray | None:
    return _nearness(snapshot.table.year, rows, among, YEAR_SCALE)


def _runtime(snapshot: CatalogueSnapshot, rows: Rows, among: Among) -> np.ndarray | None:
    return _nearness(snapshot.table.runtime, rows, among, RUNTIME_SCALE)


def _nearness(values: np.ndarray, rows: Rows, among: Among, scale: float) -> np.ndarray | None:
    """Return exp(-distance / scale) of the values, 0 where one of both is 0, not known."""
    own = values[rows].astype(np.int64)
    if not (own > 0).any():
        return None
    by_value = np.exp(-np.abs(np.arange(int(values.max()) + 1) - own[:, None]) / scale).astype(np.float32)
    by_value[:, 0] = 0
    by_value[own <= 0] = 0
    return np.take(by_value, values[among], axis=1)


def _certificate(snapshot: CatalogueSnapshot, rows: Rows, among: Among) -> np.ndarray | None:
    """Return how near the ages are from which the movies may be watched."""
    table = snapshot.table
    known = np.array([bool(name) for name in table.certificates], np.float32)
    if not len(known) or not known[table.certificate[rows]].any():
        return None
    first = snapshot.cached_array("ages", None, lambda *_: np.unique(table.certificate, return_index=True)[1])
    numbers, ages = table.certificate[first], table.age[first].astype(np.int32)
    by_certificate = np.zeros((len(rows), len(known)), np.float32)
    apart = np.abs(ages - table.age[rows].astype(np.int32)[:, None])
    by_certificate[:, numbers] = known[table.certificate[rows]][:, None] * known[numbers] * np.exp(-apart / AGE_SCALE)
    return np.take(by_certificate, table.certificate[among], axis=1)


def _language(snapshot: CatalogueSnapshot, rows: Rows, among: Among) -> np.ndarray | None:
    """Return how rare the original language of both is; dialects of a language are one."""
    table = snapshot.table
    names, numbers = np.unique([tag.split("-")[0].lower() for tag in table.languages], return_inverse=True)
    own = numbers[table.language[rows]] if len(numbers) else np.empty(0, np.int64)
    if not len(own) or not (names[own] != "").any():
        return None
    counts = snapshot.cached_array(
        "languages", None, lambda *_: np.bincount(numbers[table.language], minlength=len(names))
    )
    known = int(counts[names != ""].sum())
    rarity = np.array([_rarity(int(count), known) if name else 0 for name, count in zip(names, counts, strict=True)])
    by_language = (own[:, None] == numbers) * rarity.astype(np.float32)[numbers]
    return np.take(by_language, table.language[among], axis=1)


def _countries(snapshot: CatalogueSnapshot, rows: Rows, among: Among) -> np.ndarray | None:
    """Return how rare the rarest country of origin in common is."""
    table, index = snapshot.table, snapshot.movies_by_country
    if table.country_start is None:
        return None
    known = int(np.count_nonzero(np.diff(table.country_start)))
    shared = np.zeros((len(rows), len(table.ids[among])), np.float32)
    for position, row in enumerate(rows.tolist()):
        rarest = np.zeros(len(table.ids), np.float32)
        for country in table.country_of[table.country_start[row] : table.country_start[row + 1]].tolist():
            films = index.postings(country)
            rarest[films] = np.maximum(rarest[films], _rarity(len(films), known))
        shared[position] = rarest[among]
    return shared


def _rarity(bearers: int, movies: int) -> float:
    """Return how rare something is that so many of the movies have: 0 if all have it, 1 if one alone has."""
    return float(np.log(movies / bearers) / np.log(movies)) if movies > bearers > 0 else 0.0


# Each returns float32 [b, n], a new array, or None where it knows nothing of the movies at the rows.
SIGNALS: MappingProxyType[str, Callable[[CatalogueSnapshot, Rows, Among], np.ndarray | None]] = MappingProxyType(
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
