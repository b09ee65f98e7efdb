"""What the catalogue lacks: facts that films have not, and films that are there twice."""

from typing import Any, NamedTuple

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from catalog.models import Credit, Movie, MovieAvailability, WatchEvent
from catalog.selectors.catalogue import CatalogueTable, catalogue_table
from catalog.selectors.doubles import namesakes
from catalog.selectors.watch_counts import estimate_events

MAX_LISTED = 500  # titles and years


def _has_none(links: QuerySet) -> Q:
    return Q(~Exists(links.filter(movie=OuterRef("pk"))))


_WITHOUT = {
    "poster": Q(poster_url=""),
    "certificate": Q(certificate=""),
    "overview": Q(overview=""),
    "year": Q(year=None),
    "runtime": Q(runtime=None),
    "genres": _has_none(Movie.genres.through._default_manager.all()),
    "people": _has_none(Credit.objects.all()),
    "language": Q(language=""),
    "countries": Q(countries=[]),
    "imdb_id": Q(imdb_id=""),
    "tmdb_id": Q(tmdb_id=None),
    "availability": Q(available_from=None, available_until=None) & _has_none(MovieAvailability.objects.all()),
}
_EVENTS = "events"
CATALOGUE_FACTS = (*_WITHOUT, _EVENTS)  # what a film may lack; `availability` is a window of any kind


class NamedFilm(NamedTuple):
    """A film of a list of doubles."""

    movie_id: int
    key: str


class Namesakes(NamedTuple):
    """The films of one title and year, or that staff say are one. `films`: those of one list count as one film."""

    title: str
    year: int | None
    films: list[list[NamedFilm]]


class CatalogueReport(NamedTuple):
    """How many films lack what, and which films may be doubles."""

    movies: int
    missing: dict[str, int | None]  # one of CATALOGUE_FACTS -> films; events: None where they were too many to be read
    titles: int  # of one year, that several films have
    namesakes: int  # films that share title and year with another
    doubles: int  # of those, films that count as one with another
    listed: list[Namesakes]  # MAX_LISTED at most, those with doubles first

    def share(self, fact: str) -> float | None:
        """Return the share of films that lack it, 0..1; None where it is not known."""
        films = self.missing[fact]
        return None if films is None else films / max(self.movies, 1)

    def as_json(self) -> dict[str, Any]:
        """Return the report as the API answers it."""
        return {
            "movies": self.movies,
            "missing": {
                fact: {"movies": films, "share": None if films is None else round(self.share(fact) or 0, 4)}
                for fact, films in self.missing.items()
            },
            "doubles": {
                "titles": self.titles,
                "movies": self.namesakes,
                "counted_as_one": self.doubles,
                "listed": [
                    {
                        "title": namesakes.title,
                        "year": namesakes.year,
                        "films": [[film.key for film in film_keys] for film_keys in namesakes.films],
                    }
                    for namesakes in self.listed
                ],
            },
        }


def catalogue_report(table: CatalogueTable | None = None, *, max_events: int | None = None) -> CatalogueReport:
    """Report on the whole catalogue. `table`: as it was read a moment ago; else it is read.

    The films without an event take a reading of every event: where there are more than `max_events`, by Postgres' own
    estimate, they are not counted.
    """
    table = catalogue_table() if table is None else table
    counted = Movie.objects.aggregate(
        movies=Count("pk"), **{f"no_{fact}": Count("pk", filter=lacks) for fact, lacks in _WITHOUT.items()}
    )
    missing: dict[str, int | None] = {fact: counted[f"no_{fact}"] for fact in _WITHOUT}
    are_read = max_events is None or estimate_events() <= max_events
    missing[_EVENTS] = movies_without(Movie.objects.all(), _EVENTS).count() if are_read else None
    found = namesakes(table)
    found.sort(key=lambda films: (len(films) == sum(map(len, films)), table.titles[films[0][0]].casefold()))
    listed = [
        Namesakes(
            table.titles[films[0][0]],
            int(table.year[films[0][0]]) or None,
            [[NamedFilm(int(table.ids[row]), table.key_text(row)) for row in rows] for rows in films],
        )
        for films in found[:MAX_LISTED]
    ]
    sizes = [len(rows) for films in found for rows in films]
    return CatalogueReport(
        counted["movies"], missing, len(found), sum(sizes), sum(size for size in sizes if size > 1), listed
    )


def movies_without(movies: QuerySet[Movie], fact: str) -> QuerySet[Movie]:
    """Narrow `movies` to those that lack one of CATALOGUE_FACTS."""
    if fact == _EVENTS:
        return movies.exclude(pk__in=WatchEvent.objects.order_by().values("movie_id").distinct())
    return movies.filter(_WITHOUT[fact])


def namesake_ids(table: CatalogueTable, *, doubles: bool) -> list[int]:
    """Return the ids of the films that share title and year with another; only `doubles`: that are one film with it."""
    films = [rows for films in namesakes(table) for rows in films if len(rows) > 1 or not doubles]
    return [int(table.ids[row]) for rows in films for row in rows]
