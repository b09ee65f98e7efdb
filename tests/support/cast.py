"""Pytest plugin: a few viewers and real movies that every test knows by name. The fixture `cast` stores them.

Movie ids are those of MovieLens.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from catalog.loading.movies import advance_sequence
from catalog.models import Credit, Genre, Movie, Person, WatchEvent
from catalog.services import EventStatus, NewEvent, record_events

ADA = 101  # watches space adventures in order, rates all of them: the heavy viewer
BEN = 102  # family films with the children, never rates
CLEO = 103  # crime and drama; likes, dislikes and a watchlist beside her watches
DAN = 104  # watched one movie, in part
EVE = 105  # has no row

TOY_STORY, USUAL_SUSPECTS, STAR_WARS, PULP_FICTION, SHAWSHANK = 1, 50, 260, 296, 318
SCHINDLERS_LIST, GODFATHER, EMPIRE, RAIDERS, JEDI = 527, 858, 1196, 1198, 1210
GODFATHER_2, MATRIX, TOY_STORY_2, SPIRITED_AWAY, NEMO, AMELIE = 1221, 2571, 3114, 5618, 6377, 4973
UNKNOWN_MOVIE = 999_999

MORNING = datetime(2024, 3, 1, 8, 0, tzinfo=UTC)


@dataclass(frozen=True)
class CastMovie:
    """Describe a movie of the cast; names are separated by `|`."""

    id: int
    title: str
    year: int
    genres: str
    director: str
    actors: str
    runtime: int
    certificate: str
    language: str = "en"
    original_title: str = ""


CAST_MOVIES = (
    CastMovie(TOY_STORY, "Toy Story", 1995, "Animation|Children|Comedy", "John Lasseter",
         "Tom Hanks|Tim Allen", 81, "G"),
    CastMovie(USUAL_SUSPECTS, "The Usual Suspects", 1995, "Crime|Mystery|Thriller", "Bryan Singer",
         "Kevin Spacey|Gabriel Byrne|Benicio del Toro", 106, "R"),
    CastMovie(STAR_WARS, "Star Wars: Episode IV - A New Hope", 1977, "Action|Adventure|Sci-Fi", "George Lucas",
         "Mark Hamill|Harrison Ford|Carrie Fisher", 121, "PG"),
    CastMovie(PULP_FICTION, "Pulp Fiction", 1994, "Comedy|Crime|Drama|Thriller", "Quentin Tarantino",
         "John Travolta|Samuel L. Jackson|Uma Thurman", 154, "R"),
    CastMovie(SHAWSHANK, "The Shawshank Redemption", 1994, "Crime|Drama", "Frank Darabont",
         "Tim Robbins|Morgan Freeman", 142, "R"),
    CastMovie(SCHINDLERS_LIST, "Schindler's List", 1993, "Drama|War", "Steven Spielberg",
         "Liam Neeson|Ben Kingsley|Ralph Fiennes", 195, "R"),
    CastMovie(GODFATHER, "The Godfather", 1972, "Crime|Drama", "Francis Ford Coppola",
         "Marlon Brando|Al Pacino|James Caan", 175, "R"),
    CastMovie(EMPIRE, "Star Wars: Episode V - The Empire Strikes Back", 1980, "Action|Adventure|Sci-Fi",
         "Irvin Kershner", "Mark Hamill|Harrison Ford|Carrie Fisher", 124, "PG"),
    CastMovie(RAIDERS, "Raiders of the Lost Ark", 1981, "Action|Adventure", "Steven Spielberg",
         "Harrison Ford|Karen Allen", 115, "PG"),
    CastMovie(JEDI, "Star Wars: Episode VI - Return of the Jedi", 1983, "Action|Adventure|Sci-Fi", "Richard Marquand",
         "Mark Hamill|Harrison Ford|Carrie Fisher", 131, "PG"),
    CastMovie(GODFATHER_2, "The Godfather: Part II", 1974, "Crime|Drama", "Francis Ford Coppola",
         "Al Pacino|Robert De Niro|Robert Duvall", 202, "R"),
    CastMovie(MATRIX, "The Matrix", 1999, "Action|Sci-Fi|Thriller", "Lana Wachowski",
         "Keanu Reeves|Laurence Fishburne|Carrie-Anne Moss", 136, "R"),
    CastMovie(TOY_STORY_2, "Toy Story 2", 1999, "Adventure|Animation|Children|Comedy", "John Lasseter",
         "Tom Hanks|Tim Allen|Joan Cusack", 92, "G"),
    CastMovie(AMELIE, "Amélie", 2001, "Comedy|Romance", "Jean-Pierre Jeunet",
         "Audrey Tautou|Mathieu Kassovitz", 122, "R", "fr", "Le Fabuleux Destin d'Amélie Poulain"),
    CastMovie(SPIRITED_AWAY, "Spirited Away", 2001, "Adventure|Animation|Fantasy", "Hayao Miyazaki",
         "Rumi Hiiragi|Miyu Irino", 125, "PG", "ja", "Sen to Chihiro no kamikakushi"),
    CastMovie(NEMO, "Finding Nemo", 2003, "Adventure|Animation|Children|Comedy", "Andrew Stanton",
         "Albert Brooks|Ellen DeGeneres", 100, "G"),
)  # fmt: skip


def watch_event(viewer: int, movie: int, at: datetime, completion: float = 1.0) -> NewEvent:
    """Return a watch."""
    return NewEvent(viewer, movie, WatchEvent.Kind.WATCH, at, completion=completion)


def rating_event(viewer: int, movie: int, at: datetime, stars: float) -> NewEvent:
    """Return a rating."""
    return NewEvent(viewer, movie, WatchEvent.Kind.RATING, at, rating=stars)


def cast_histories() -> list[NewEvent]:
    """Return what the cast did before the test: one movie an evening, from MORNING on."""
    kind = WatchEvent.Kind
    evening = [MORNING + timedelta(days=day, hours=12) for day in range(10)]
    ada = [(STAR_WARS, 5.0), (EMPIRE, 5.0), (JEDI, 4.5), (RAIDERS, 4.0), (MATRIX, 4.5), (AMELIE, 2.0)]
    events = [watch_event(ADA, film, at) for (film, _), at in zip(ada, evening, strict=False)]
    events += [
        rating_event(ADA, film, at + timedelta(hours=2), stars) for (film, stars), at in zip(ada, evening, strict=False)
    ]
    events += [watch_event(BEN, film, at) for film, at in zip([TOY_STORY, NEMO, TOY_STORY_2], evening, strict=False)]
    events += [
        watch_event(CLEO, film, at) for film, at in zip([GODFATHER, PULP_FICTION, SHAWSHANK], evening, strict=False)
    ]
    events += [
        NewEvent(CLEO, GODFATHER, kind.LIKE, evening[4]),
        NewEvent(CLEO, TOY_STORY, kind.DISLIKE, evening[5]),
        NewEvent(CLEO, MATRIX, kind.NOT_INTERESTED, evening[6]),
        NewEvent(CLEO, GODFATHER_2, kind.WATCHLIST, evening[7]),
    ]
    events += [watch_event(DAN, SPIRITED_AWAY, evening[9], completion=0.9)]
    return events


def create_cast_movies() -> None:
    """Store the movies with their genres and people. Movies that are created later get higher ids."""
    Movie.objects.bulk_create(
        Movie(id=f.id, title=f.title, original_title=f.original_title, year=f.year, runtime=f.runtime,
              certificate=f.certificate, language=f.language, poster_url=f"https://posters.example/{f.id}.jpg")
        for f in CAST_MOVIES
    )  # fmt: skip
    with connection.cursor() as cursor:
        advance_sequence(cursor, "catalog_movie")
    genres = {name: Genre(name=name) for name in sorted({g for f in CAST_MOVIES for g in f.genres.split("|")})}
    people = {name: Person(name=name) for f in CAST_MOVIES for name in [f.director, *f.actors.split("|")]}
    Genre.objects.bulk_create(genres.values())
    Person.objects.bulk_create(people.values())
    Movie.genres.through.objects.bulk_create(
        Movie.genres.through(movie_id=f.id, genre_id=genres[g].id) for f in CAST_MOVIES for g in f.genres.split("|")
    )
    Credit.objects.bulk_create(
        Credit(movie_id=f.id, person_id=people[name].id, role=role, order=order)
        for f in CAST_MOVIES
        for role, names in ((Credit.Role.DIRECTOR, f.director), (Credit.Role.ACTOR, f.actors))
        for order, name in enumerate(names.split("|"))
    )


def create_cast() -> None:
    """Store movies, people, and the viewers with their histories, by the service that the site uses."""
    create_cast_movies()
    results = record_events(cast_histories())
    assert {result.status for result in results} == {EventStatus.STORED}, results


@pytest.fixture
def cast(db: None) -> None:
    """Store the whole cast. In a transactional test other processes see it too."""
    create_cast()
