"""What the admin lists: searches that stay on their indexes, and the first rows of long tables."""

import re
from collections.abc import Collection

from django.db.models import Count, Model, Q, QuerySet

from catalog.external_ids import format_imdb_id
from catalog.limits import parse_id
from catalog.models import Credit, Movie, MovieTag, Viewer, WatchEvent

_IMDB_ID = re.compile(r"(?:^|/|imdb:)tt([0-9]{1,9})\b", re.ASCII | re.IGNORECASE)
_TMDB_ID = re.compile(r"(?:/movie/|^tmdb:)([0-9]{1,10})\b", re.ASCII)


def search_movies(movies: QuerySet[Movie], text: str) -> QuerySet[Movie]:
    """Films where each word stands in the title or in the name of somebody credited, in any case, or is the film's id
    here, at IMDb or at TMDB, also in a pasted address.

    A union of index scans a word (trigrams, ids): an OR over the join would read every film and every credit.
    """
    for word in text.split():
        titles = Movie.objects.filter(title__icontains=word).order_by().values("id")
        credited = Credit.objects.filter(person__name__icontains=word).order_by().values("movie_id")
        named = Movie.objects.filter(_has_id(word)).order_by().values("id")
        movies = movies.filter(id__in=titles.union(credited, named))
    return movies


def _has_id(word: str) -> Q:
    """The films that a word names by an id: 278, tt0111161, 0111161, https://www.themoviedb.org/movie/278-shawshank."""
    if (at := _TMDB_ID.search(word)) and (number := parse_id(at[1])):
        return Q(tmdb_id=number)
    if at := _IMDB_ID.search(word):
        return Q(imdb_id=format_imdb_id(int(at[1])))
    if number := parse_id(word):
        return Q(id=number) | Q(tmdb_id=number) | Q(imdb_id=format_imdb_id(number))
    return Q(pk__in=())


def search_viewers(viewers: QuerySet[Viewer], text: str) -> QuerySet[Viewer]:
    """By id, or by a part of the name."""
    for word in text.split():
        found = Q(name__icontains=word)
        if number := parse_id(word):
            found |= Q(id=number)
        viewers = viewers.filter(found)
    return viewers


def movie_tags(movie_id: int, limit: int) -> list[tuple[str, int]]:
    """(tag, number of viewers), the most given first."""
    tags = MovieTag.objects.filter(movie_id=movie_id).order_by("-count", "tag__name")
    return list(tags.values_list("tag__name", "count")[:limit])


def person_movies(person_id: int, limit: int) -> list[tuple[Movie, str]]:
    """(film, role), the newest first."""
    credits_ = Credit.objects.filter(person_id=person_id).select_related("movie").order_by("-movie__year", "movie_id")
    return [(credit.movie, credit.get_role_display()) for credit in credits_[:limit]]


def recent_events(viewer_id: int, limit: int) -> list[WatchEvent]:
    """The viewer's last events with their films, the newest first."""
    events = WatchEvent.objects.filter(viewer_id=viewer_id).order_by("-occurred_at", "-id")
    # Not joined: of events of one moment, as an import may bring thousands, every film would be read to sort them.
    return list(events.prefetch_related("movie")[:limit])


def movie_counts(link_table: type[Model], column: str, ids: Collection[int]) -> dict[int, int]:
    """How many films these genres, people or tags have; `link` is the table between, `column` their side of it."""
    links = link_table._default_manager.filter(**{f"{column}__in": ids}).order_by()
    return dict(links.values_list(column).annotate(films=Count("movie", distinct=True)))
