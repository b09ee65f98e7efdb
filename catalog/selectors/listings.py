"""What the admin lists: searches that stay on their indexes, and the first rows of long tables."""

from collections.abc import Collection

from django.db.models import Count, Model, Q, QuerySet

from catalog.limits import written_id
from catalog.models import Credit, Movie, MovieTag, Viewer, WatchEvent


def matching_movies(movies: QuerySet[Movie], text: str) -> QuerySet[Movie]:
    """Films where each word stands in the title or in the name of somebody credited, in any case.

    A union of two index scans (trigrams) a word: an OR over the join would read every film and every credit.
    """
    for word in text.split():
        titles = Movie.objects.filter(title__icontains=word).order_by().values("id")
        credited = Credit.objects.filter(person__name__icontains=word).order_by().values("movie_id")
        movies = movies.filter(id__in=titles.union(credited))
    return movies


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
