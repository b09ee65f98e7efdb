"""Movies as people see them: cards and details, ids as clients write them, people by name."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from catalog.external_ids import format_imdb_id, parse_external_id, parse_imdb_id
from catalog.keys import Key, parse_key
from catalog.models import Credit, Movie, MovieTranslation
from catalog.selectors.age_limits import EVERYBODY, Audience, certificate_age

_GENRES = """ARRAY(SELECT g.name FROM catalog_movie_genres mg JOIN catalog_genre g ON g.id = mg.genre_id
                   WHERE mg.movie_id = m.id ORDER BY g.name)"""
SELECT_CARD = f"SELECT m.id, m.title, m.year, {_GENRES}, m.poster_url, m.key FROM catalog_movie m"
_TRANSLATED = """coalesce((SELECT t.{column} FROM catalog_movietranslation t
    WHERE t.movie_id = m.id AND t.{column} <> '' AND lower(t.language) = ANY(%s::text[])
    ORDER BY array_position(%s::text[], lower(t.language)) LIMIT 1), m.{column})"""
_SELECT_TRANSLATED_CARD = SELECT_CARD.replace("m.title", _TRANSLATED.format(column="title"), 1)
_CREDITED_NAMES = """ARRAY(SELECT p.name FROM catalog_credit c JOIN catalog_person p ON p.id = c.person_id
                    WHERE c.movie_id = m.id AND c.role = {role} ORDER BY c."order", c.id)"""
_DIRECTORS = _CREDITED_NAMES.format(role=Credit.Role.DIRECTOR.value)
_ACTORS = _CREDITED_NAMES.format(role=Credit.Role.ACTOR.value)
_AVAILABILITY = """(SELECT json_agg(json_build_array(a.country, a.available_from, a.available_until)
                    ORDER BY a.country) FROM catalog_movieavailability a WHERE a.movie_id = m.id)"""
_TRANSLATIONS = """(SELECT json_object_agg(t.language, json_build_object('title', t.title, 'overview', t.overview)
                    ORDER BY t.language) FROM catalog_movietranslation t WHERE t.movie_id = m.id)"""
_SELECT_DETAILS = f"""SELECT m.id, m.title, m.year, {_GENRES}, m.poster_url, m.key, m.original_title, m.overview,
                      m.runtime, m.certificate, m.language, m.countries, m.imdb_id, m.tmdb_id, {_DIRECTORS}, {_ACTORS},
                      m.published, m.available_from, m.available_until, {_AVAILABILITY}, {_TRANSLATIONS}
               FROM catalog_movie m"""
_CERTIFICATE_COLUMN = 9  # its column in _SELECT_DETAILS
# What a visitor may see now; the window's end is exclusive.
_IS_AVAILABLE = """({t}.available_from IS NULL OR {t}.available_from <= now())
            AND ({t}.available_until IS NULL OR {t}.available_until > now())"""
# In the country of the value: a movie with windows by country is available in those alone. A site that has none asks
# once for all movies.
IS_VISIBLE = f"""m.published AND {_IS_AVAILABLE.format(t="m")}
            AND (NOT EXISTS (SELECT FROM catalog_movieavailability)
                 OR coalesce((SELECT bool_or(a.country = %s AND {_IS_AVAILABLE.format(t="a")})
                              FROM catalog_movieavailability a WHERE a.movie_id = m.id), true))"""
WITHIN_AGE_LIMIT = "m.certificate = ANY(%s)"  # of certificates_for


class MovieCard(NamedTuple):
    """What a list shows of a movie."""

    movie_id: int
    title: str
    year: int | None
    genres: list[str]
    poster_url: str
    key: str | None = None  # where it is no number

    @property
    def id_text(self) -> str:
        """The movie's key as clients know it."""
        return self.key or str(self.movie_id)

    def as_json(self) -> dict[str, Any]:
        """Return the card as the JSON of the API."""
        return {
            "movie_id": self.id_text,
            "title": self.title,
            "year": self.year,
            "genres": self.genres,
            "poster_url": self.poster_url,
        }


class CountryWindow(NamedTuple):
    """When a movie is available in a country."""

    country: str  # ISO 3166
    available_from: datetime | None
    available_until: datetime | None  # exclusive


class DetailedCard(NamedTuple):
    """What a list shows of a movie where it shows more."""

    movie_id: int
    title: str
    year: int | None
    genres: list[str]
    poster_url: str
    key: str | None  # where it is no number
    overview: str
    runtime: int | None  # minutes
    certificate: str
    directors: list[str]
    actors: list[str]  # in billing order


class MovieDetails(NamedTuple):
    """What a movie's own page shows."""

    card: MovieCard
    original_title: str
    overview: str
    runtime: int | None  # minutes
    certificate: str
    language: str
    countries: list[str]  # of origin, ISO 3166
    imdb_id: str
    tmdb_id: int | None
    directors: list[str]
    actors: list[str]  # in billing order
    published: bool
    available_from: datetime | None
    available_until: datetime | None  # exclusive
    availability: list[CountryWindow]  # empty: in every country
    translations: dict[str, dict[str, str]]  # BCP 47 -> title and overview, "" where there is none


def select_card(languages: Sequence[str]) -> tuple[str, list[Any]]:
    """Return the statement that reads cards, and its values: titles in the first of the languages (small letters) that
    a movie has a title in, else their first form."""
    chain = list(languages)
    return (_SELECT_TRANSLATED_CARD, [chain, chain]) if languages else (SELECT_CARD, [])


def movie_cards(ids: Collection[int], languages: Sequence[str] = ()) -> dict[int, MovieCard]:
    """Map movie ids to cards in one query, published or not; unknown movies are left out.

    `languages`: as for select_card(). Genres have the catalogue's own names.
    """
    select, values = select_card(languages)
    with connection.cursor() as cursor:
        cursor.execute(f"{select} WHERE m.id = ANY(%s::int[])", [*values, list(ids)])
        return {row[0]: MovieCard(*row) for row in cursor.fetchall()}


def movie_runtimes(ids: Collection[int]) -> dict[int, int]:
    """Map the ids of movies whose runtime is known to it, in minutes; other ids are left out."""
    runtimes = Movie.objects.filter(pk__in=ids).values_list("pk", "runtime")
    return {movie: runtime for movie, runtime in runtimes if runtime}


def movie_keys(ids: Collection[int]) -> dict[int, str]:
    """Map the ids of movies whose keys are no numbers to their keys; other ids are left out."""
    return dict(Movie.objects.filter(pk__in=ids, key__isnull=False).values_list("pk", "key"))


def detailed_cards(ids: Collection[int], languages: Sequence[str] = ()) -> dict[int, DetailedCard]:
    """Map movie ids to detailed cards as movie_cards() does, in one query; overviews are translated as titles are."""
    select, values = select_card(languages)
    overview = _TRANSLATED.format(column="overview") if languages else "m.overview"
    more = f"{overview}, m.runtime, m.certificate, {_DIRECTORS}, {_ACTORS}"
    select = select.replace(", m.key FROM", f", m.key, {more} FROM", 1)
    with connection.cursor() as cursor:
        cursor.execute(f"{select} WHERE m.id = ANY(%s::int[])", [*values, *values, list(ids)])
        return {row[0]: DetailedCard(*row) for row in cursor.fetchall()}


def visible_movie_details(
    movie_id: int, audience: Audience = EVERYBODY, languages: Sequence[str] = ()
) -> MovieDetails | None:
    """Return the details of a movie that is visible now to this audience; else None. `languages`: as for
    select_card()."""
    return _details(movie_id, audience.age_limit, languages, f" AND {IS_VISIBLE}", [audience.country])


def movie_details(movie_id: int, age_limit: int | None = None, languages: Sequence[str] = ()) -> MovieDetails | None:
    """Return the details of a movie, visible or not; None for an unknown one or above the age limit (years)."""
    return _details(movie_id, age_limit, languages)


def _details(
    movie_id: int, age_limit: int | None, languages: Sequence[str], condition: str = "", values: Sequence[Any] = ()
) -> MovieDetails | None:
    select, select_values = _SELECT_DETAILS, []
    if languages:
        for column in ("title", "overview"):
            select = select.replace(f"m.{column}", _TRANSLATED.format(column=column), 1)
        select_values = [list(languages)] * 4
    with connection.cursor() as cursor:
        cursor.execute(f"{select} WHERE m.id = %s{condition}", [*select_values, movie_id, *values])
        row = cursor.fetchone()
    if row and age_limit is not None and certificate_age(row[_CERTIFICATE_COLUMN]) > age_limit:
        return None
    return _to_details(row) if row else None


def movie_details_page(after: int, page_size: int, *, keyed: bool = False) -> list[MovieDetails]:
    """Return the movies that came after the one with the id `after` (0: from the first on), visible or not.

    Those whose keys are numbers, or the other ones (`keyed`).
    """
    behind = "m.id < %s ORDER BY m.id DESC" if keyed else "m.id > %s ORDER BY m.id"
    with connection.cursor() as cursor:
        cursor.execute(f"{_SELECT_DETAILS} WHERE {behind} LIMIT %s", [after, page_size])
        return [_to_details(row) for row in cursor.fetchall()]


def movie_details_by_ids(ids: Collection[int]) -> dict[int, MovieDetails]:
    """Map movie ids to details, visible or not; unknown movies are left out."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_SELECT_DETAILS} WHERE m.id = ANY(%s::int[])", [list(ids)])
        return {row[0]: _to_details(row) for row in cursor.fetchall()}


def translation_languages() -> list[str]:
    """Return the languages, as they are stored, that titles and overviews are translated into."""
    return list(MovieTranslation.objects.order_by("language").values_list("language", flat=True).distinct())


def _to_details(row: Sequence[Any]) -> MovieDetails:
    *values, availability, translations = row[6:]
    windows = [
        CountryWindow(country, *(None if text is None else datetime.fromisoformat(text) for text in window))
        for country, *window in _from_json(availability) or ()
    ]
    return MovieDetails._make([MovieCard(*row[:6]), *values, windows, _from_json(translations) or {}])


def _from_json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def resolve_movie_ids(texts: Collection[str]) -> dict[str, int]:
    """Resolve many ids as resolve_movie_id() does, in two queries; texts without a movie are left out."""
    external = {text: parsed for text in texts if (parsed := parse_external_id(text)) is not None}
    own = {text: key for text in texts if text not in external and (key := parse_key(text))}
    numbers = [key for key in own.values() if isinstance(key, int)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, key FROM catalog_movie WHERE id = ANY(%s::int[]) OR key = ANY(%s)",
            [numbers, [key for key in own.values() if isinstance(key, str)]],
        )
        id_by_key: dict[Key, int] = {key or movie_id: movie_id for movie_id, key in cursor.fetchall()}
        spellings = [text for ids in external.values() for text in (format_imdb_id(ids.imdb), f"tt{ids.imdb}")]
        cursor.execute(
            """SELECT id, imdb_id, tmdb_id FROM catalog_movie WHERE imdb_id = ANY(%s) OR tmdb_id = ANY(%s)
               ORDER BY id > 0, abs(id) DESC""",
            [spellings, [ids.tmdb for ids in external.values() if ids.tmdb]],
        )
        oldest: dict[tuple[str, int], int] = {}
        for movie_id, imdb_id, tmdb_id in cursor.fetchall():
            oldest["imdb", parse_imdb_id(imdb_id) or 0] = oldest["tmdb", tmdb_id or 0] = movie_id
    resolved = {text: id_by_key[key] for text, key in own.items() if key in id_by_key}
    keys = {text: ("imdb", ids.imdb) if ids.imdb else ("tmdb", ids.tmdb) for text, ids in external.items()}
    return resolved | {text: oldest[key] for text, key in keys.items() if key in oldest}


def resolve_movie_id(text: str) -> int | None:
    """Return the movie that a client means by the site's own key, or by an id at IMDb or TMDB.

    Of several movies with one external id the oldest counts. A number is not looked up. None: no movie has this key or
    external id.
    """
    external = parse_external_id(text)
    if external is None:
        key = parse_key(text)
        return Movie.objects.filter(key=key).values_list("pk", flat=True).first() if isinstance(key, str) else key
    spellings = [format_imdb_id(external.imdb), f"tt{external.imdb}"] if external.imdb else []
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT id FROM catalog_movie WHERE imdb_id = ANY(%s) OR tmdb_id = %s
               ORDER BY id < 0, abs(id) LIMIT 1""",
            [spellings, external.tmdb or None],
        )
        row = cursor.fetchone()
    return row[0] if row else None
