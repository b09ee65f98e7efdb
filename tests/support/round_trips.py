"""Random catalogues and histories with nasty texts, stored as the site's own writers would leave them."""

from datetime import UTC, datetime, timedelta

from django.db import connection
from hypothesis import strategies as st

from catalog.event_keys import parse_event_key
from catalog.keys import parse_key
from catalog.models import (
    Credit,
    EventKey,
    Genre,
    GenreAlias,
    GenreTranslation,
    Movie,
    MovieAvailability,
    MovieTag,
    MovieTranslation,
    Person,
    Tag,
    Viewer,
    WatchEvent,
    collapse_spaces,
)
from catalog.services import join_doubles, part_doubles

NASTY = "\",;|\\\n\r\t'=+-@#{}[]<>&:/ é\u0301😀\u2028\ufeff\x07"
TEXT = st.text(st.one_of(st.characters(codec="utf-8", exclude_characters="\0"), st.sampled_from(NASTY)), max_size=20)
SAMPLES = st.sampled_from(
    ["=cmd|' /C calc'!A0", "|", "\\", "a|b", "a\\|b", '"', '""', "NULL", "null", "1,2,3", "'", "﷽" * 40, "x" * 60]
)
NAME = st.one_of(SAMPLES, TEXT.map(collapse_spaces).filter(bool))
LONG_TEXT = st.one_of(TEXT, SAMPLES, st.just("line\r\nnext\n\n " * 3), st.just("long, " * 30))
KEYS = st.one_of(
    st.integers(1, 2**31 - 1),
    st.sampled_from(
        [
            "042",
            "42.0",
            " 42",
            "42 ",
            "'42",
            "''42.",
            "4294967296",
            "é",
            "e\u0301",
            'a"b',
            "a,b",
            "a|b",
            "=1+1",
            " a",
            "😀",
        ]
    ),
    st.text(max_size=12).filter(lambda text: isinstance(parse_key(text), str)),
    st.just("x" * 128),
)
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2025, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
LANGUAGES = ("de", "pt-BR", "zh-Hant")
COUNTRIES = ("DE", "US", "AT")
PEOPLE_NAMES = ("Sam Field", "Bar|Bara", 'Q "Back\\', "Solo")
TABLES = (
    "watchevent", "eventkey", "viewer", "credit", "movietag", "movietranslation", "movieavailability", "movie_genres",
    "movie", "person", "tag", "genrealias", "genretranslation", "genre",
)  # fmt: skip


def empty_database():
    """Delete all records of the catalogue and of viewers."""
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DELETE FROM catalog_{table}")


def store_random_site(data):
    """Store a site that `data` draws."""
    draw = data.draw
    genres = _store_genres(draw)
    movies = _store_movies(draw, genres)
    _store_people(draw, movies)
    _store_doubles(draw, movies)
    _store_events(draw, movies, _store_viewers(draw))


def _windows(draw):
    begins = draw(st.none() | MOMENTS)
    return begins, draw(st.none() | st.just((begins or datetime(1995, 5, 5, tzinfo=UTC)) + timedelta(days=1.5)))


def _store_genres(draw):
    genres = []
    for number in range(draw(st.integers(0, 3))):
        genre = Genre.objects.create(name=collapse_spaces(f"G{number} {draw(NAME)}")[:60].strip())
        GenreAlias.objects.bulk_create(
            GenreAlias(genre=genre, name=collapse_spaces(f"A{number}{n} {draw(NAME)}")[:60].strip())
            for n in range(draw(st.integers(0, 2)))
        )
        for language in draw(st.sets(st.sampled_from(LANGUAGES))):
            GenreTranslation.objects.create(genre=genre, language=language, name=draw(NAME)[:60].strip())
        genres.append(genre)
    return genres


def _numbers_and_texts(keys):
    """Yield the id and key of each record: texts fall below zero, in their order."""
    texts = 0
    for key in keys:
        texts += isinstance(key, str)
        yield (-texts, key) if isinstance(key, str) else (key, None)


def _store_movies(draw, genres):
    keys = [
        key for key in draw(st.lists(KEYS, min_size=1, max_size=4, unique=True)) if not str(key).startswith("imdb:")
    ]
    tags = [Tag.objects.create(name=name) for name in draw(st.lists(NAME, max_size=3, unique=True))]
    movies = []
    for pk, key in _numbers_and_texts(keys):
        begins, ends = _windows(draw)
        movie = Movie.objects.create(
            id=pk, key=key, title=draw(NAME), original_title=draw(st.just("") | NAME), available_from=begins,
            year=draw(st.none() | st.integers(1870, 2200)), overview=draw(LONG_TEXT), available_until=ends,
            poster_url=draw(st.sampled_from(["", "https://posters.example/a%20b.jpg?x=1|2"])),
            runtime=draw(st.none() | st.integers(1, 32_767)), certificate=draw(st.just("") | NAME)[:12].strip(),
            language=draw(st.sampled_from(["", *LANGUAGES])), published=draw(st.booleans()),
            countries=draw(st.lists(st.sampled_from(COUNTRIES), unique=True)),
            imdb_id=draw(st.sampled_from(["", "tt0000001", "tt12345678"])), tmdb_id=draw(st.none() | st.integers(1, 2)),
        )  # fmt: skip
        Movie.objects.filter(pk=pk).update(added_at=draw(MOMENTS))
        movie.genres.set(draw(st.lists(st.sampled_from(genres), unique=True)) if genres else [])
        for tag in draw(st.lists(st.sampled_from(tags), unique=True)) if tags else []:
            MovieTag.objects.create(movie=movie, tag=tag, count=draw(st.integers(1, 2**31 - 1)))
        for language in draw(st.sets(st.sampled_from(LANGUAGES))):
            title = draw(st.just("") | NAME)
            overview = draw(LONG_TEXT) if title else draw(NAME)
            MovieTranslation.objects.create(movie=movie, language=language, title=title, overview=overview)
        for country in draw(st.sets(st.sampled_from(COUNTRIES))):
            begins, ends = _windows(draw)
            MovieAvailability.objects.create(movie=movie, country=country, available_from=begins, available_until=ends)
        movies.append(movie)
    return movies


def _store_people(draw, movies):
    """Store people of few names: the first of each has no id, the others have."""
    people = []
    for n, name in enumerate(PEOPLE_NAMES):
        people += [Person(name=name)] if draw(st.booleans()) else []
        if draw(st.booleans()):
            people.append(Person(name=name, imdb_id=f"nm000000{n + 1}", tmdb_id=draw(st.none() | st.just(n + 1))))
        if draw(st.booleans()):
            people.append(Person(name=name, tmdb_id=n + 50))
    for person in people:
        person.save()
    for movie in movies:
        for role in Credit.Role:
            for person in draw(st.lists(st.sampled_from(people), unique=True)) if people else []:
                Credit.objects.create(movie=movie, person=person, role=role, order=draw(st.integers(0, 3)))
    Person.objects.filter(credits=None).delete()


def _store_doubles(draw, movies):
    if len(movies) > 2 and draw(st.booleans()):
        join_doubles([movies[0].pk, movies[1].pk])
        part_doubles([movies[2].pk])


def _store_viewers(draw):
    viewers = []
    for pk, key in _numbers_and_texts(draw(st.lists(KEYS, max_size=3, unique=True))):
        name, account = draw(st.just("") | NAME), draw(st.sampled_from(["", "home", "42", "42.0", 'a"b']))
        viewer = Viewer.objects.create(
            id=pk,
            key=key,
            name=name,
            account=account,
            age_limit=draw(st.none() | st.integers(0, 21)),
            language=draw(st.sampled_from(["", *LANGUAGES])),
            country=draw(st.sampled_from(["", *COUNTRIES])),
            is_session=draw(st.booleans()) and not (name or account),
        )
        Viewer.objects.filter(pk=pk).update(created_at=draw(MOMENTS))
        viewers.append(viewer)
    return viewers


def _store_events(draw, movies, viewers):
    kind = WatchEvent.Kind
    seen, event_ids = set(), iter(draw(st.lists(KEYS.map(str), unique=True)))
    for viewer in viewers:
        for _ in range(draw(st.integers(0, 5))):
            movie, its_kind, moment = draw(st.sampled_from(movies)), draw(st.sampled_from(kind)), draw(MOMENTS)
            place = (viewer.pk, movie.pk, its_kind, None if its_kind is kind.PROGRESS else moment)
            if place in seen:
                continue
            seen.add(place)
            rating = draw(st.sampled_from([0.5, 3.0, 4.5, 5.0]) | st.none())
            completion = draw(st.none() | st.floats(0, 1, width=32).filter(lambda share: not 0 < share < 1e-30))
            event_id = parse_event_key(next(event_ids, None) or f"6BA7B810-9DAD-11D1-80B4-{len(seen):012d}")
            stated = draw(st.booleans())
            WatchEvent.objects.create(
                viewer=viewer,
                movie=movie,
                kind=its_kind,
                occurred_at=moment,
                rating=3.5 if its_kind is kind.RATING and rating is None else rating,
                completion=0.25 if its_kind is kind.PROGRESS and completion is None else completion,
                client_event_id=event_id.number if stated else None,
            )
            if stated and event_id.text:
                EventKey.objects.create(id=event_id.number, key=event_id.text)
