"""What can be listed while a part is down, or while there is no place to compute in.

While Postgres is down: what the viewer's stored list has, and nothing else. The movies of a current list are unseen by
its viewer and within their age limit; of other movies nobody could say so. They are the whole choice then, and a viewer
without such a list is asked to come back.

While as many requests are computed as may be: the viewer's stored list of before, without what they have seen since and
what may not be shown any more; and for viewers without one what is popular. Nobody waits long for more than that.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress

import numpy as np
from django.db import OperationalError

from catalog import selectors
from catalog.models import Credit
from recommender.cache import StoredList
from recommender.history import has_known_movies
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving import metrics
from recommender.serving.candidates.model_scoring import encode_viewers, score_movies
from recommender.serving.concurrency import COMPUTING, PATIENCE, Bulkhead, Overloaded
from recommender.serving.context import RequestContext
from recommender.serving.current_versions import active_ranker
from recommender.serving.list_sources import Candidates, eligible_top, pad_with_popular
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.viewer import ViewerProfile

Card = selectors.MovieCard | selectors.DetailedCard


@contextmanager
def computing(context: RequestContext, *bulkheads: Bulkhead) -> Iterator[None]:
    """Hold a slot of each bulkhead, of those for computing lists where none is named; where one is not free in time,
    the answer is `overloaded` and to be made of what costs little. Raises Overloaded for staff alone."""
    is_traffic = metrics.is_traffic()
    with ExitStack() as slots:
        try:
            for bulkhead in bulkheads or (COMPUTING,):
                slots.enter_context(bulkhead.slot(None if is_traffic else PATIENCE))
        except Overloaded:
            if not is_traffic:
                raise
            slots.close()
            if not context.overloaded:
                metrics.increment("busy")
            context.overloaded = context.degraded = True
        yield


def older_list(context: RequestContext, viewer: ViewerProfile) -> StoredList | None:
    """Return the viewer's stored list, though they may have seen some of it since, where no place to compute in was
    free. None for a viewer without one of the active model."""
    stored_list, ranker = context.cache_read.stored_list, active_ranker(context.cache_read)
    if not context.overloaded or not viewer.exists or stored_list is None:
        return None
    if ranker is None or ranker.version != stored_list.model:  # its ids may be of other data
        return None
    return stored_list


def older_candidates(context: RequestContext, viewer: ViewerProfile) -> Candidates | None:
    """Take what the older list still has, with popular movies below it where that is too little; None where it has
    nothing."""
    stored_list = older_list(context, viewer)
    if stored_list is None:
        return None
    unseen = RankedMovies(stored_list.movie_ids, stored_list.scores).without(viewer.seen_ids)
    ranked = eligible_top(unseen, context.eligible_for(viewer), context.candidate_count)
    if not len(ranked.movie_ids):
        return None
    return Candidates(
        pad_with_popular(context, viewer, ranked, viewer.seen_ids),
        "cache",
        viewer,
        model_version=stored_list.model,
        seen_ids=viewer.seen_ids,
        unused_history=viewer.unknown_history(None),
    )


def degraded_candidates(context: RequestContext, viewer: ViewerProfile) -> Candidates | None:
    """Take what the stored list still has, in the model's order for a posted history; None if the history was read.

    Raises OperationalError where nothing of the list is eligible: that the catalogue has nothing would not be true.
    """
    stored_list = viewer.stored_list
    if stored_list is None:
        return None
    ranked, ranker = RankedMovies(stored_list.movie_ids, stored_list.scores), active_ranker(context.cache_read)
    if not len(viewer.posted_ids) or ranker is None or not has_known_movies(viewer.events, ranker):
        ranker = None
    else:
        state = encode_viewers(ranker, [viewer], context.request.requested_at)
        scores = score_movies(ranker, state, ranked.movie_ids)
        order = np.argsort(-scores, kind="stable")
        ranked = RankedMovies(ranked.movie_ids[order], scores[order])
    ranked = ranked.without(context.snapshot.doubles.all_ids(viewer.posted_ids))
    ranked = ranked.without(context.shown_ids)
    ranked = eligible_top(ranked, context.eligible_for(viewer), context.candidate_count)
    if not len(ranked.movie_ids):
        raise OperationalError("Postgres is down, and nothing of the stored list may be shown.")
    return Candidates(
        ranked,
        "model" if ranker is not None else "cache",
        viewer,
        model_version=stored_list.model,
        seen_ids=viewer.seen_ids,
        unused_history=viewer.unknown_history(ranker),
    )


def load_movie_cards(
    movie_ids: Collection[int], snapshot: CatalogueSnapshot, languages: tuple[str, ...] = (), *, details: bool = False
) -> dict[int, Card]:
    """Return titles, genres and posters by movie id, in the first of the languages that has them: one query.

    `details`: with overview, runtime, certificate and people. While Postgres is down all comes from memory, without
    posters and overviews, and with the movies' first titles.
    """
    with suppress(*selectors.DATABASE_ERRORS):
        return read_movie_cards(movie_ids, snapshot, languages, details=details)
    return _translate_genres(_cards_in_memory(movie_ids, snapshot, details), snapshot, languages)


def read_movie_cards(
    movie_ids: Collection[int], snapshot: CatalogueSnapshot, languages: tuple[str, ...] = (), *, details: bool = False
) -> dict[int, Card]:
    """Return what `load_movie_cards` does, of Postgres alone. Raises OperationalError while it is down."""
    read: Callable[..., Mapping[int, Card]] = selectors.detailed_cards if details else selectors.movie_cards
    return _translate_genres(dict(read(movie_ids, languages)), snapshot, languages)


def _translate_genres(
    cards: dict[int, Card], snapshot: CatalogueSnapshot, languages: tuple[str, ...]
) -> dict[int, Card]:
    if not languages:
        return cards
    names = snapshot.genre_names_in(languages)
    return {
        movie: card._replace(genres=sorted(names.get(genre, genre) for genre in card.genres))
        for movie, card in cards.items()
    }


def _cards_in_memory(movie_ids: Collection[int], snapshot: CatalogueSnapshot, details: bool) -> dict[int, Card]:
    table = snapshot.table
    cards: dict[int, Card] = {}
    for movie, row in zip(movie_ids, table.rows_of(np.array(list(movie_ids), np.int32)).tolist(), strict=True):
        if row >= 0:
            genres = [table.genre_names[n] for n in table.genre_of[table.genre_start[row] : table.genre_start[row + 1]]]
            card = selectors.MovieCard(movie, table.titles[row], int(table.year[row]) or None, genres, "")
            cards[movie] = _detailed(card, table, row) if details else card
    return cards


def _detailed(card: selectors.MovieCard, table: selectors.CatalogueTable, row: int) -> selectors.DetailedCard:
    credits = slice(table.credit_start[row], table.credit_start[row + 1])
    people = list(zip(table.credit_role[credits].tolist(), table.credit_person[credits].tolist(), strict=True))
    by_role = {
        role: [table.person_names[person] for role_of, person in people if role_of == role]
        for role in Credit.Role.values
    }
    certificate = table.certificates[table.certificate[row]]
    directors, actors = by_role[Credit.Role.DIRECTOR], by_role[Credit.Role.ACTOR]
    return selectors.DetailedCard(*card, "", int(table.runtime[row]) or None, certificate, directors, actors)
