"""What the admin lists: searches that stay on their indexes, and the first rows of long tables."""

import re
from collections.abc import Collection

from django.db.models import Count, Model, Q, QuerySet

from catalog.external_ids import imdb_text
from catalog.limits import written_id
from catalog.models import Credit, Movie, MovieTag, Viewer, WatchEvent

_AT_IMDB = re.compile(r"(?:^|/|imdb:)tt([0-9]{1,9})\b", re.ASCII | re.IGNORECASE)
_AT_TMDB = re.compile(r"(?:/movie/|^tmdb:)([0-9]{1,10})\b", re.ASCII)


def matching_movies(movies: QuerySet[Movie], text: str) -> QuerySet[Movie]:
    """Films where each word stands in the title or in the name of somebody credited, in any case, or is the film's id
    here, at IMDb or at TMDB, also in a pasted address.

    A union of index scans a word (trigrams, ids): an OR over the join would read every film and every credit.
    """
    for word in text.split():
        titles = Movie.objects.filter(title__icontains=word).order_by().values("id")
        credited = Credit.objects.filter(person__name__icontains=word).order_by().values("movie_id")
        named = Movie.objects.filter(_of_ids(word)).order_by().values("id")
        movies = movies.filter(id__in=titles.union(credited, named))
    return movies


def _of_ids(word: str) -> Q:
    """The films that a word names by an id: 278, tt0111161, 0111161, https://www.themoviedb.org/movie/278-shawshank."""
    if (at := _AT_TMDB.search(word)) and (number := written_id(at[1])):
        return Q(tmdb_id=number)
    if at := _AT_IMDB.search(word):
        return Q(imdb_id=imdb_text(int(at[1])))
    if number := written_id(word):
        return Q(id=number) | Q(tmdb_id=number) | Q(imdb_id=imdb_text(number))
    return Q(pk__in=())


def matching_viewers(viewers: QuerySet[Viewer], text: str) -> QuerySet[Viewer]:
    """By id, or by a part of the name."""
    for word in text.split():
        found = Q(name__icontains=word)
        if number := written_id(word):
            found |= Q(id=number)
        viewers = viewers.filter(found)
    return viewers


def movie_tags(movie_id: int, limit: int) -> list[tuple[str, int]]:
    """(tag, number of viewers), the most given first."""
    tags = MovieTag.objects.filter(movie_id=movie_id).order_by("-count", "tag__name")
    return list(tags.values_list("tag__name", "count")[:limit])


def person_films(person_id: int, limit: int) -> list[tuple[Movie, str]]:
    """(film, role), the newest first."""
    credits_ = Credit.objects.filter(person_id=person_id).select_related("movie").order_by("-movie__year", "movie_id")
    return [(credit.movie, credit.get_role_display()) for credit in credits_[:limit]]


def recent_events(viewer_id: int, limit: int) -> list[WatchEvent]:
    """The viewer's last events with their films, the newest first."""
    events = WatchEvent.objects.filter(viewer_id=viewer_id).order_by("-occurred_at", "-id")
    # Not joined: of events of one moment, as an import may bring thousands, every film would be read to sort them.
    return list(events.prefetch_related("movie")[:limit])


def films_of_each(link: type[Model], column: str, ids: Collection[int]) -> dict[int, int]:
    """How many films these genres, people or tags have; `link` is the table between, `column` their side of it."""
    links = link._default_manager.filter(**{f"{column}__in": ids}).order_by()
    return dict(links.values_list(column).annotate(films=Count("movie", distinct=True)))
