"""What can be listed while Postgres is down: what the viewer's stored list has, and nothing else.

The movies of a current list are unseen by its viewer and within their age limit; of other movies nobody could say so.
They are the whole choice then, and a viewer without such a list is asked to come back.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress

import numpy as np
from django.db import OperationalError

from catalog import selectors
from catalog.models import Credit
from recommender.history import has_known_movies
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving.candidates.model_scoring import encode_viewers, score_movies
from recommender.serving.context import RequestContext
from recommender.serving.current_versions import active_ranker
from recommender.serving.list_sources import Candidates, eligible_top
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.viewer import ViewerProfile

Card = selectors.MovieCard | selectors.DetailedCard


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
    cards = _cards_of(movie_ids, snapshot, languages, details)
    if not languages:
        return cards
    names = snapshot.genre_names_in(languages)
    return {
        movie: card._replace(genres=sorted(names.get(genre, genre) for genre in card.genres))
        for movie, card in cards.items()
    }


def _cards_of(
    movie_ids: Collection[int], snapshot: CatalogueSnapshot, languages: Sequence[str], details: bool
) -> dict[int, Card]:
    with suppress(*selectors.DATABASE_ERRORS):
        if details:
            return dict(selectors.detailed_cards(movie_ids, languages))
        return dict(selectors.movie_cards(movie_ids, languages))
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
