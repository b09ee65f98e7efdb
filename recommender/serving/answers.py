"""The end of the read path: candidates re-ranked, and the answer with what was asked for beside the movies."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from django.conf import settings

from catalog.selectors import DetailedCard, MovieCard
from recommender.movies.popularity_counts import counts_stamp
from recommender.served_lists import new_list_id
from recommender.serving.concurrency import COMPUTING, GROUPS_AND_EXPLANATIONS
from recommender.serving.context import RequestContext, load_viewer
from recommender.serving.degraded_mode import computing, load_movie_cards
from recommender.serving.explain import Reasons, explain_movies
from recommender.serving.filtering.attributes import explain_empty, suggest_names
from recommender.serving.list_sources import Candidates
from recommender.serving.paging.page import MadePage, close_page
from recommender.serving.paging.tokens import next_rounding
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.recording.list_log import log_list
from recommender.serving.request import NewFilmPlace
from recommender.serving.reranking.diversity import diversify
from recommender.serving.reranking.exploration import draw
from recommender.serving.reranking.freshness import prefer_new
from recommender.serving.reranking.interleaving import mix
from recommender.serving.reranking.merchandising import apply_rules
from recommender.serving.reranking.new_films import choose_film, put_at
from recommender.serving.response import Answer, Basis, Explanation, Recommendation
from recommender.serving.viewer import ViewerProfile
from recommender.serving.wording.texts import Text, Words

NOTHING_SEEN = Text("The viewer has seen no film, or none without bad stars: leave out seen=only.")
LIST_ENDED = Text("The list ended with the page before.")


def rerank(context: RequestContext, candidates: Candidates) -> RankedMovies:
    """Put the candidates into their final order: by freshness, the merchandising rules and diversity."""
    request, ranked = context.request, candidates.ranked
    if request.page is not None and request.page.made is not None:
        return ranked
    if request.freshness and len(ranked.movie_ids):
        ranked = prefer_new(context.snapshot, ranked, request.freshness, context.eligibility.now)
    if request.seed is not None and can_draw(context, candidates):
        context.draw = draw(ranked, request.limit, request.seed)
        return context.draw.movies
    if request.rival is not None and can_draw(context, candidates):
        rival = context.rival_list
        if rival is None and not request.rival.model:
            rival = diversify(context.snapshot, ranked, request.limit, request.rival.diversity)
        if rival is not None:
            context.mix = mix(ranked.select(slice(request.limit)), rival, request.limit, request.rival.seed)
            return context.mix.movies
    if context.rules is not None:
        return apply_rules(
            context.rules,
            context.eligible_for(candidates.viewer),
            ranked,
            candidates.seen_ids,
            limit=request.limit,
            pool=request.candidate_count,
            diversity=request.diversity,
            shown_ids=request.shown_ids,
        )
    if request.new_film is not None and can_draw(context, candidates):
        ranked = _with_new_film(context, candidates, ranked.select(slice(request.limit)))
    if len(context.shown_ids):
        ranked = ranked.without(context.shown_ids).select(slice(request.candidate_count))
    if request.diversity and len(ranked.movie_ids):
        return diversify(context.snapshot, ranked, request.limit, request.diversity)
    is_longer = request.page is not None or request.seed is not None or request.rival is not None or request.freshness
    return ranked.select(slice(request.limit)) if is_longer else ranked


def _with_new_film(context: RequestContext, candidates: Candidates, listed: RankedMovies) -> RankedMovies:
    """Put the new film at its place; one is chosen first where the request names none."""
    asked = context.request.new_film
    assert asked is not None
    movie_id = asked.movie_id
    if movie_id is None:
        seen_ids = candidates.seen_ids
        if seen_ids is None:  # the list was stored
            seen_ids = load_viewer(context).seen_ids
        movie_id = choose_film(context.snapshot, context.eligible_for(candidates.viewer), listed, seen_ids)
    if movie_id is None:
        return listed
    context.new_film = NewFilmPlace(asked.place, movie_id)
    return put_at(listed, movie_id, asked.place)


def can_draw(context: RequestContext, candidates: Candidates) -> bool:
    """Say whether a list may be drawn from its candidates: films that the model ranked, and no rule holds for them."""
    is_ranked = candidates.source in ("cache", "model") and len(candidates.ranked.movie_ids) > 1
    return is_ranked and context.rules is None


def build_answer(
    context: RequestContext,
    candidates: Candidates,
    movies: RankedMovies,
    *,
    more: bool | None = None,
    why_empty: Sequence[Text] = (),
    cards: Mapping[int, MovieCard | DetailedCard] | None = None,
) -> Answer:
    """Describe the list: where it comes from, what was kept out of it; titles and explanations where they are asked
    for. `more`: whether a page follows, where another list than the whole catalogue decides that.
    `why_empty`: what is said of an empty list, where the caller knows it. `cards`: of the list's movies at least, where
    the caller has read them."""
    request, viewer, basis = context.request, candidates.viewer, _basis_of(context, candidates)
    movie_ids = movies.movie_ids.tolist()
    languages = context.languages_for(viewer)
    scores = np.round(movies.scores.astype(np.float64), 5).tolist()
    reasons = _explain(context, candidates, movie_ids) if request.explain and movie_ids else None
    causes = [cause.movie_id for of_movie in reasons or () for cause in of_movie.causes] if languages else []
    named = [*(movie_ids if request.titles and cards is None else ()), *causes]
    read = load_movie_cards(named, context.snapshot, languages, details=request.details) if named else {}
    cards = {**(cards or {}), **read}
    answer = Answer(
        recommendations=list(map(Recommendation, movie_ids, scores)),
        source=candidates.source,
        model_version=candidates.model_version,
        recommendation_id=new_list_id(),
        is_known_viewer=viewer.exists,
        made_at=stored.made_at if candidates.source == "cache" and (stored := viewer.stored_list) else None,
        degraded=context.degraded,
        is_drawn=context.draw is not None,
        unused_history=list(candidates.unused_history),
        removal_counts=count_removed(context, viewer),
        unknown_names=context.unknown_names,
        suggestions=suggest_names(context.snapshot, context.unknown_names),
        empty_reason=""
        if movie_ids
        else Words(context.snapshot, languages).join(why_empty or _explain_empty(context, viewer)),
        explanations=None if reasons is None else _put_into_words(reasons, Words(context.snapshot, languages, cards)),
        movie_cards=cards if request.titles else None,
        language=context.snapshot.language_of(languages) if request.titles or reasons is not None else "",
        basis=basis if reasons is not None or not request.explain else None,
    )
    if request.page is not None:
        if request.page.made is not None:
            answer.recommendation_id = request.page.made.facts["recommendation_id"]
        more = has_more(context, candidates, movies.movie_ids) if more is None else more
        answer.next_cursor = next_cursor(context, viewer, movies, facts_of(answer), more=more)
    log_list(answer.recommendation_id, context, viewer, movies, candidates.source, candidates.model_version)
    return answer


def _basis_of(context: RequestContext, candidates: Candidates) -> Basis | None:
    """Return what the first page of a stored list is made from; None where Postgres is asked for it again, where it is
    another list, and where some lists are left to chance."""
    if settings.EXPLORATION_SHARE or settings.INTERLEAVE_SHARE or settings.NEW_FILM_SHARE:
        return None
    request, raw = context.request, context.cache_read.raw
    if raw is None or candidates.source != "cache" or context.degraded or request.titles:
        return None
    if request.freshness:  # the order moves with the clock
        return None
    if request.page is None or request.page.number:
        return None
    since, until = context.eligible_for(candidates.viewer).steady_between()
    stamp = counts_stamp() if request.explain else None  # an effect is measured in scores at what is popular now
    return Basis(
        raw, context.snapshot, since, min(until, next_rounding()), lambda: stamp is None or counts_stamp() == stamp
    )


def _put_into_words(found: Sequence[Reasons], words: Words) -> list[Explanation]:
    return [
        Explanation(
            [cause._replace(title=words.title_of(cause.movie_id, cause.title)) for cause in reasons.causes],
            "" if reasons.fact is None else words.say(reasons.fact),
        )
        for reasons in found
    ]


def facts_of(answer: Answer) -> dict[str, Any]:
    """Return what an answer says of its list that is said again where its page is asked for again."""
    return {
        "source": answer.source,
        "model_version": answer.model_version,
        "recommendation_id": answer.recommendation_id,
        "unused_history": answer.unused_history,
    }


def next_cursor(
    context: RequestContext, viewer: ViewerProfile, movies: RankedMovies, facts: dict[str, Any], *, more: bool
) -> str | None:
    """Return the cursor of the page behind these movies; None where there is none. `more`: whether movies are left."""
    request = context.request
    if request.page is None:
        return None
    version = viewer.stored_list.viewer_version if viewer.stored_list is not None else viewer.version
    return close_page(
        request.page,
        MadePage(movies.movie_ids, movies.scores, facts),
        data_set=context.snapshot.table.data_set,
        versions=[context.cache_read.versions.model, version],
        owners=[key for key in (*request.viewer_keys, request.viewer_key) if key is not None],
        has_more=more,
    )


def has_more(context: RequestContext, candidates: Candidates, movie_ids: np.ndarray) -> bool:
    """Say whether the catalogue has a movie for the page behind these: mostly by numbers alone.

    Reads the history, in one query, where the catalogue's end is near and the page comes from a stored list.
    """
    viewer, listed = candidates.viewer, np.append(context.request.shown_ids, movie_ids)
    eligibility, seen_ids = context.eligible_for(viewer), candidates.seen_ids
    if seen_ids is None and viewer.stored_list is not None:
        seen_count = sum(viewer.stored_list.exclusion_counts)
    else:
        seen_count = len(viewer.seen_ids if seen_ids is None else seen_ids)
    if eligibility.count_at_least() > seen_count + len(listed):
        return True
    if seen_ids is None:
        viewer = load_viewer(context)
        seen_ids = viewer.seen_ids
    if viewer.stored_list is not None:  # Postgres is down: what else there is nobody can say
        return True
    return bool(eligibility.mask_without(np.concatenate([seen_ids, listed])).any())


def _explain_empty(context: RequestContext, viewer: ViewerProfile) -> tuple[Text, ...]:
    """Return why nothing is listed: where only what was seen may be, by the filters without that."""
    if len(context.request.shown_ids):
        return (LIST_ENDED,)
    if viewer.only_ids is not None and not len(viewer.only_ids):
        return (NOTHING_SEEN,)
    eligibility = context.eligible_for(replace(viewer, only_ids=None))
    return explain_empty(eligibility, context.request.filters, context.unknown_names)


def count_removed(context: RequestContext, viewer: ViewerProfile) -> dict[str, int]:
    """Count the movies that are kept out of a viewer's list, by reason."""
    seen = {
        reason: count for reason, count in viewer.exclusion_counts(context.snapshot.table)._asdict().items() if count
    }
    return seen | context.eligible_for(viewer).removal_counts()


def _explain(context: RequestContext, candidates: Candidates, movie_ids: list[int]) -> list[Reasons] | None:
    """Explain the list by the histories that it was made from; None while Postgres is down, as they were not read, and
    where no place to compute in is free."""
    viewer = candidates.viewer
    if viewer.stored_list is not None or context.overloaded:
        return None
    viewers = candidates.members if candidates.source == "model" and candidates.members else [viewer]
    with computing(context, GROUPS_AND_EXPLANATIONS, COMPUTING):
        if context.overloaded:
            return None
        return explain_movies(
            movie_ids,
            candidates.source,
            viewers,
            candidates.members or [viewer],
            candidates.ranker,
            context.eligible_for(viewer),
            context.request.requested_at,
            candidates.state,
        )
