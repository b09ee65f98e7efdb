"""Lists of the admin: searches that stay on their indexes, and the first rows of long tables."""

import re
from collections.abc import Collection

from django.db.models import Count, Model, Q, QuerySet

from catalog.external_ids import format_imdb_id
from catalog.keys import parse_key
from catalog.limits import parse_id
from catalog.models import Credit, Movie, MovieTag, Viewer, WatchEvent

_IMDB_ID = re.compile(r"(?:^|/|imdb:)tt([0-9]{1,9})\b", re.ASCII | re.IGNORECASE)
_TMDB_ID = re.compile(r"(?:/movie/|^tmdb:)([0-9]{1,10})\b", re.ASCII)


def search_movies(movies: QuerySet[Movie], text: str) -> QuerySet[Movie]:
    """Narrow `movies` to those that fit every word of `text`.

    A word fits by title or credited name, in any case, or by an id here, at IMDb or at TMDB, also in a pasted address.
    Each word is a union of index scans (trigrams, ids): an OR over the join would read every movie and every credit.
    """
    if movies.filter(key=text).exists():  # a key may have spaces in it
        return movies.filter(key=text)
    for word in text.split():
        by_title = Movie.objects.filter(title__icontains=word).order_by().values("id")
        by_credit = Credit.objects.filter(person__name__icontains=word).order_by().values("movie_id")
        by_id = Movie.objects.filter(_has_id(word)).order_by().values("id")
        movies = movies.filter(id__in=by_title.union(by_credit, by_id))
    return movies


def _has_id(word: str) -> Q:
    """Match the movies that a word names: by a key, as 278, tt0111161, 0111161, or as in
    https://www.themoviedb.org/movie/278-shawshank."""
    return Q(key=word) | _has_number(word)


def _has_number(word: str) -> Q:
    if (match := _TMDB_ID.search(word)) and (number := parse_id(match[1])):
        return Q(tmdb_id=number)
    if match := _IMDB_ID.search(word):
        return Q(imdb_id=format_imdb_id(int(match[1])))
    if number := parse_id(word):
        return Q(id=number) | Q(tmdb_id=number) | Q(imdb_id=format_imdb_id(number))
    return Q(pk__in=())


def search_viewers(viewers: QuerySet[Viewer], text: str) -> QuerySet[Viewer]:
    """Narrow `viewers` to the one whose key `text` is, or to those that fit every word of it by key or name."""
    key = parse_key(text)
    if isinstance(key, str) and (whole := viewers.filter(key=key)).exists():
        return whole
    for word in text.split():
        fits = Q(name__icontains=word)
        if (key := parse_key(word)) is not None:
            fits |= Q(id=key) if isinstance(key, int) else Q(key=key)
        viewers = viewers.filter(fits)
    return viewers


def movie_tags(movie_id: int, limit: int) -> list[tuple[str, int]]:
    """Return (tag, number of viewers) of a movie, the most frequent tags first."""
    tags = MovieTag.objects.filter(movie_id=movie_id).order_by("-count", "tag__name")
    return list(tags.values_list("tag__name", "count")[:limit])


def person_movies(person_id: int, limit: int) -> list[tuple[Movie, str]]:
    """Return (movie, role) of a person, the newest movies first."""
    credits_ = Credit.objects.filter(person_id=person_id).select_related("movie").order_by("-movie__year", "movie_id")
    return [(credit.movie, credit.get_role_display()) for credit in credits_[:limit]]


def recent_events(viewer_id: int, limit: int) -> list[WatchEvent]:
    """Return a viewer's last events with their movies, the newest first."""
    events = WatchEvent.objects.filter(viewer_id=viewer_id).order_by("-occurred_at", "-id")
    # Not joined: of events of one moment, as an import may bring thousands, every movie would be read to sort them.
    return list(events.prefetch_related("movie")[:limit])


def movie_counts(link_table: type[Model], column: str, ids: Collection[int]) -> dict[int, int]:
    """Count the movies of each genre, person or tag among `ids`, which `column` of `link_table` refers to."""
    links = link_table._default_manager.filter(**{f"{column}__in": ids}).order_by()
    return dict(links.values_list(column).annotate(movies=Count("movie", distinct=True)))
