"""The whole catalogue as numpy columns, from which eligibility, filters and item features are computed."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from django.db import connection

from catalog.selectors import merchandising_rules
from catalog.selectors.age_limits import certificate_age
from catalog.selectors.merchandising_rules import MAX_TIME, MIN_TIME, MerchandisingRule
from infrastructure.id_places import IdPlaces

_MOVIE_DTYPE = np.dtype(
    [
        ("id", ">i4"),
        ("published", ">i2"),
        ("from", ">i8"),
        ("until", ">i8"),
        ("added", ">i8"),
        ("year", ">i2"),
        ("runtime", ">i2"),
        ("certificate", ">i2"),
        ("language", ">i2"),
        ("imdb", ">i4"),
        ("tmdb", ">i4"),
        ("double_of", ">i4"),
    ]
)
_GENRE_DTYPE = np.dtype([("movie", ">i4"), ("genre", ">i4")])
_CREDIT_DTYPE = np.dtype([("movie", ">i4"), ("person", ">i4"), ("role", ">i2")])
_PERSON_DTYPE = ">i4"
_COUNTRY_DTYPE = np.dtype([("movie", ">i4"), ("country", ">i2")])
_WINDOW_DTYPE = np.dtype([("movie", ">i4"), ("country", ">i2"), ("from", ">i8"), ("until", ">i8")])

# One statement, so that the version, the movies and their genres, credits and rules are of one snapshot.
_SELECT_TABLE = f"""
WITH certificates AS (SELECT array_agg(DISTINCT certificate ORDER BY certificate) AS names FROM catalog_movie),
     languages AS (SELECT array_agg(DISTINCT language ORDER BY language) AS names FROM catalog_movie),
     countries AS (SELECT array_agg(DISTINCT country ORDER BY country) AS names
                   FROM catalog_movie, unnest(countries) country),
     window_countries AS (SELECT array_agg(DISTINCT country ORDER BY country) AS names FROM catalog_movieavailability),
     genres AS (SELECT id, name, row_number() OVER (ORDER BY name) - 1 AS place FROM catalog_genre),
     people AS (SELECT id, name, row_number() OVER (ORDER BY id) - 1 AS place FROM catalog_person)
SELECT
  coalesce((SELECT catalogue FROM catalog_revision), 1),
  coalesce((SELECT data_set FROM catalog_revision), 0),
  (SELECT string_agg(
      int4send(id) || int2send(published::int::int2)
        || int8send(coalesce(floor(date_part('epoch', available_from))::bigint, {MIN_TIME}))
        || int8send(coalesce(ceil(date_part('epoch', available_until))::bigint, {MAX_TIME}))
        || int8send(floor(date_part('epoch', added_at))::bigint)
        || int2send(coalesce(year, 0::int2)) || int2send(coalesce(runtime, 0::int2))
        || int2send((array_position(certificates.names, certificate) - 1)::int2)
        || int2send((array_position(languages.names, language) - 1)::int2)
        || int4send(coalesce(substring(imdb_id from '^tt([0-9]{{1,9}})$')::int, 0)) || int4send(coalesce(tmdb_id, 0))
        || int4send(coalesce(double_of, 0)),
      '' ORDER BY id) FROM catalog_movie, certificates, languages),
  (SELECT names FROM certificates),
  (SELECT names FROM languages),
  (SELECT string_agg(int4send(g.movie_id) || int4send(genres.place::int), '' ORDER BY g.movie_id, genres.place)
     FROM catalog_movie_genres g JOIN genres ON genres.id = g.genre_id),
  (SELECT array_agg(name ORDER BY place) FROM genres),
  (SELECT string_agg(int4send(m.id) || int2send((array_position(countries.names, country) - 1)::int2),
                     '' ORDER BY m.id, country) FROM catalog_movie m, unnest(m.countries) country, countries),
  (SELECT names FROM countries),
  (SELECT string_agg(int4send(movie_id) || int2send((array_position(window_countries.names, country) - 1)::int2)
        || int8send(coalesce(floor(date_part('epoch', available_from))::bigint, {MIN_TIME}))
        || int8send(coalesce(ceil(date_part('epoch', available_until))::bigint, {MAX_TIME})),
      '' ORDER BY country, movie_id) FROM catalog_movieavailability, window_countries),
  (SELECT names FROM window_countries),
  (SELECT array_agg(DISTINCT lower(language)) FROM catalog_movietranslation),
  (SELECT json_agg(json_build_array(a.name, genres.place) ORDER BY a.id)
     FROM catalog_genrealias a JOIN genres ON genres.id = a.genre_id),
  (SELECT json_agg(json_build_array(t.language, t.name, genres.place) ORDER BY t.id)
     FROM catalog_genretranslation t JOIN genres ON genres.id = t.genre_id),
  (SELECT string_agg(int4send(c.movie_id) || int4send(people.place::int) || int2send(c.role), ''
                     ORDER BY c.movie_id, c.role, c."order", c.id)
     FROM catalog_credit c JOIN people ON people.id = c.person_id),
  (SELECT array_agg(name ORDER BY place) FROM people),
  (SELECT string_agg(int4send(id::int), '' ORDER BY place) FROM people),
  (SELECT array_agg(title ORDER BY id) FROM catalog_movie),
  (SELECT array_agg(key ORDER BY id) FROM catalog_movie WHERE id < 0),
  {merchandising_rules.ACTIVE_RULES[0]},
  {merchandising_rules.ACTIVE_RULES[1]}
"""

_SELECT_TEXTS = """
SELECT m.id, m.overview, t.names, t.counts
  FROM catalog_movie m
  LEFT JOIN (SELECT mt.movie_id, array_agg(tag.name ORDER BY tag.name) AS names,
                    array_agg(mt.count ORDER BY tag.name) AS counts
               FROM catalog_movietag mt JOIN catalog_tag tag ON tag.id = mt.tag_id GROUP BY mt.movie_id) t
    ON t.movie_id = m.id
 ORDER BY m.id
"""
TEXTS_AT_A_TIME = 2_000  # movies


def _no_numbers() -> np.ndarray:
    return np.empty(0, np.int64)


@dataclass(frozen=True)
class CatalogueTable:
    """All movies, ordered by id; n movies, row i of every column is movie ids[i].

    Movies whose keys are no numbers come first, as their ids are below zero: the key of movie i is keys[i].

    Genres and credits are in CSR form: those of movie i are genre_of[genre_start[i]:genre_start[i + 1]].
    """

    version: int  # Revision.catalogue of the same snapshot
    ids: np.ndarray  # int32[n]
    published: np.ndarray  # bool[n]
    available_from: np.ndarray  # int64[n], unix seconds; MIN_TIME = no beginning
    available_until: np.ndarray  # int64[n], exclusive; MAX_TIME = no end
    added_at: np.ndarray  # int64[n], unix seconds
    year: np.ndarray  # int16[n], 0 = unknown
    runtime: np.ndarray  # int16[n], minutes, 0 = unknown
    certificate: np.ndarray  # int16[n], index into certificates
    age: np.ndarray  # int8[n], years: the youngest that may watch, by the certificate
    language: np.ndarray  # int16[n], index into languages
    genre_start: np.ndarray  # int32[n + 1]
    genre_of: np.ndarray  # int16, index into genre_names
    credit_start: np.ndarray  # int32[n + 1]
    credit_person: np.ndarray  # int32, index into person_names and person_ids
    credit_role: np.ndarray  # int8, Credit.Role; directors first, then actors in billing order
    certificates: list[str]  # "" = unknown
    languages: list[str]  # "" = unknown
    genre_names: list[str]
    person_names: list[str]
    person_ids: np.ndarray  # int32, Person.id ascending
    titles: list[str]
    imdb: np.ndarray  # int32[n], the number in tt0114709; 0 = unknown
    tmdb: np.ndarray  # int32[n], 0 = unknown
    merchandising_rules: tuple[MerchandisingRule, ...] = ()  # enabled and not over
    keys: list[str] = field(default_factory=list)  # of the movies with ids below zero
    # Countries of origin, in CSR form: those of movie i are country_of[country_start[i]:country_start[i + 1]].
    country_start: np.ndarray | None = None  # int32[n + 1]; None: no movie has any
    country_of: np.ndarray = field(default_factory=_no_numbers)  # int16, index into country_names
    country_names: Sequence[str] = ()
    # Windows by country, in CSR form: those of country c are the entries window_start[c]:window_start[c + 1].
    window_movie: np.ndarray = field(default_factory=_no_numbers)  # int32, row of the movie, ascending within a country
    window_start: np.ndarray = field(default_factory=_no_numbers)  # int64[countries + 1]
    window_from: np.ndarray = field(default_factory=_no_numbers)  # int64, unix seconds; MIN_TIME = no beginning
    window_until: np.ndarray = field(default_factory=_no_numbers)  # int64, exclusive; MAX_TIME = no end
    window_countries: Sequence[str] = ()
    translation_languages: Sequence[str] = ()  # of titles, in small letters
    genre_aliases: Sequence[tuple[str, int]] = ()  # name, index into genre_names
    genre_translations: Sequence[tuple[str, str, int]] = ()  # language, name, index into genre_names
    double_of: np.ndarray | None = None  # int32[n], Movie.double_of, 0 = staff said nothing; None: of no movie
    data_set: int = 0  # Revision.data_set of the same snapshot: a model of another one must not serve

    def key_text(self, row: int) -> str:
        """Return the key of the movie at `row`, as clients know it."""
        return self.keys[row] if row < len(self.keys) else str(self.ids[row])

    def rows_of(self, movie_ids: np.ndarray) -> np.ndarray:
        """Return the row of each movie (int64); -1 for an id that is not in the catalogue."""
        return self._places.find(movie_ids)

    @cached_property
    def _places(self) -> IdPlaces:
        return IdPlaces(self.ids)


def catalogue_table() -> CatalogueTable:
    """Read the whole catalogue in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_SELECT_TABLE)
        row = cursor.fetchone()
    version, data_set, movies, certificates, languages, genres, genre_names, *rest = row
    countries, country_names, windows, window_countries, translation_languages, *rest = rest
    genre_aliases, genre_translations, credits_, person_names, person_ids, titles, keys, *rest = rest
    rule_meta, rule_movies = rest
    movie = np.frombuffer(movies or b"", dtype=_MOVIE_DTYPE)
    genre = np.frombuffer(genres or b"", dtype=_GENRE_DTYPE)
    credit = np.frombuffer(credits_ or b"", dtype=_CREDIT_DTYPE)
    ages = np.array([certificate_age(name) for name in certificates or []], np.int8)  # years
    ids = movie["id"].astype(np.int32)
    country = np.frombuffer(countries or b"", dtype=_COUNTRY_DTYPE)
    window = np.frombuffer(windows or b"", dtype=_WINDOW_DTYPE)
    return CatalogueTable(
        version=version,
        ids=ids,
        published=movie["published"].astype(bool),
        available_from=movie["from"].astype(np.int64),
        available_until=movie["until"].astype(np.int64),
        added_at=movie["added"].astype(np.int64),
        year=movie["year"].astype(np.int16),
        runtime=movie["runtime"].astype(np.int16),
        certificate=movie["certificate"].astype(np.int16),
        age=ages[movie["certificate"]],
        language=movie["language"].astype(np.int16),
        genre_start=_run_offsets(ids, genre["movie"]),
        genre_of=genre["genre"].astype(np.int16),
        credit_start=_run_offsets(ids, credit["movie"]),
        credit_person=credit["person"].astype(np.int32),
        credit_role=credit["role"].astype(np.int8),
        certificates=certificates or [],
        languages=languages or [],
        genre_names=genre_names or [],
        country_start=_run_offsets(ids, country["movie"]),
        country_of=country["country"].astype(np.int16),
        country_names=country_names or [],
        window_movie=np.searchsorted(ids, window["movie"]).astype(np.int32),
        window_start=np.searchsorted(window["country"], np.arange(len(window_countries or []) + 1)),
        window_from=window["from"].astype(np.int64),
        window_until=window["until"].astype(np.int64),
        window_countries=window_countries or [],
        translation_languages=translation_languages or [],
        genre_aliases=[(name, number) for name, number in _from_json(genre_aliases)],
        genre_translations=[(language, name, number) for language, name, number in _from_json(genre_translations)],
        person_names=person_names or [],
        person_ids=np.frombuffer(person_ids or b"", dtype=_PERSON_DTYPE).astype(np.int32),
        titles=titles or [],
        imdb=movie["imdb"].astype(np.int32),
        tmdb=movie["tmdb"].astype(np.int32),
        merchandising_rules=merchandising_rules.decode_rules(rule_meta, rule_movies),
        keys=keys or [],
        double_of=movie["double_of"].astype(np.int32),
        data_set=data_set,
    )


def movie_texts() -> Iterator[tuple[int, str, list[tuple[str, int]]]]:
    """Yield each movie's id, overview and tags, as (name, viewers), in the order of ids."""
    with connection.cursor() as cursor:
        cursor.execute(_SELECT_TEXTS)
        while rows := cursor.fetchmany(TEXTS_AT_A_TIME):
            for movie_id, overview, names, counts in rows:
                yield movie_id, overview, list(zip(names or [], counts or [], strict=True))


def _from_json(value: Any) -> list[list[Any]]:
    """Return a list of lists that Postgres wrote as JSON, or nothing for none."""
    return list(json.loads(value) if isinstance(value, str) else value or [])


def _run_offsets(ids: np.ndarray, sorted_movies: np.ndarray) -> np.ndarray:
    """Return int32[n + 1]: where the run of each movie begins in `sorted_movies`, and where the last one ends."""
    return np.append(np.searchsorted(sorted_movies, ids), len(sorted_movies)).astype(np.int32)
