"""Every read of the catalogue and of what viewers did. Doors and flows import from here."""

from catalog.selectors.ages import age_of, certificates_for, strictest, viewer_age_limit
from catalog.selectors.called import Called, Match, matched
from catalog.selectors.catalogue import CatalogueTable, catalogue_table
from catalog.selectors.films import (
    MovieCard,
    MovieDetails,
    any_movie,
    details_page,
    movie_cards,
    movie_named,
    movies_named,
    resolve_people,
    shown_movie,
)
from catalog.selectors.histories import (
    History,
    drawn_viewers,
    export_events,
    histories,
    history,
    settled_viewers,
    viewer_bounds,
    viewer_count,
    viewer_ids,
)
from catalog.selectors.listings import (
    films_of_each,
    matching_movies,
    matching_viewers,
    movie_tags,
    person_films,
    recent_events,
)
from catalog.selectors.names import Named, genre_list, people_page
from catalog.selectors.pages import Cursor, MovieFilter, MoviePage, Published, movies_page
from catalog.selectors.popularity import Newcomers, Watching, audience, newcomers, viewers_by_day, watching
from catalog.selectors.rules import Merchandising, merchandising
from catalog.selectors.stamps import (
    GONE,
    data_set,
    database_lost,
    demo_there,
    erasures,
    revision,
    unpublished_viewers,
    viewer_versions,
)
from catalog.selectors.viewer_data import viewer_data
from catalog.selectors.watchers import Watchers, watchers

__all__ = [
    "GONE",
    "Called",
    "CatalogueTable",
    "Cursor",
    "History",
    "Match",
    "Merchandising",
    "MovieCard",
    "MovieDetails",
    "MovieFilter",
    "MoviePage",
    "Named",
    "Newcomers",
    "Published",
    "Watchers",
    "Watching",
    "age_of",
    "any_movie",
    "audience",
    "catalogue_table",
    "certificates_for",
    "data_set",
    "database_lost",
    "demo_there",
    "details_page",
    "drawn_viewers",
    "erasures",
    "export_events",
    "films_of_each",
    "genre_list",
    "histories",
    "history",
    "matched",
    "matching_movies",
    "matching_viewers",
    "merchandising",
    "movie_cards",
    "movie_named",
    "movie_tags",
    "movies_named",
    "movies_page",
    "newcomers",
    "people_page",
    "person_films",
    "recent_events",
    "resolve_people",
    "revision",
    "settled_viewers",
    "shown_movie",
    "strictest",
    "unpublished_viewers",
    "viewer_age_limit",
    "viewer_bounds",
    "viewer_count",
    "viewer_data",
    "viewer_ids",
    "viewer_versions",
    "viewers_by_day",
    "watchers",
    "watching",
]
