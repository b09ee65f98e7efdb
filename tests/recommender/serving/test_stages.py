"""The stages of the read path by hand, on arrays: eligibility, candidates, merchandising, and rows of a home page."""

import numpy as np
import pytest

from recommender.ml.data import DISLIKE, WATCH, Events
from recommender.movies.movie_ids import parse_movie_ids, resolve_movie_ids
from recommender.serving.candidates.content import similar_to_history
from recommender.serving.candidates.neighbours import neighbours_of
from recommender.serving.filtering.attributes import build_mask, explain_empty
from recommender.serving.filtering.eligibility import EligibilityFilter
from recommender.serving.home.page import choose_rows, round_robin
from recommender.serving.home.rows import CandidateRow
from recommender.serving.ranked_movies import NO_MOVIES, RankedMovies, top_rows
from recommender.serving.request import Filters
from recommender.serving.reranking.merchandising import ActiveRules, Pin, apply_rules
from recommender.serving.wording.texts import Text
from tests.support.small_catalogue import small_catalogue

NOW = 1_000


def ranked(*movie_ids):
    return RankedMovies(np.array(movie_ids, np.int32), np.arange(len(movie_ids), 0, -1, dtype=np.float32))


def rules(**values):
    return ActiveRules(**{"until": NOW + 1, "excluded": None, "shift": None, "pins": (), "pinned_at": 0} | values)


def test_what_is_eligible_and_what_is_counted_as_removed():
    """20 is unpublished, 30 opens later, 40 is for adults, 50 is excluded by a rule, 60 by the request."""
    snapshot = small_catalogue(
        ["a"] * 7,
        published=[True, False, True, True, True, True, True],
        available_from=[0, 0, NOW + 1, 0, 0, 0, 0],
        ages=[0, 0, 0, 18, 0, 0, 0],
    )
    eligibility = EligibilityFilter(
        snapshot,
        NOW,
        excluded_ids=np.array([60], np.int32),
        excluded_by_rule=snapshot.table.ids == 50,
    ).with_age_limit(12)

    assert eligibility.mask_ids(snapshot.table.ids).tolist() == [True, False, False, False, False, False, True]
    assert eligibility.mask_ids(np.array([10, 15])).tolist() == [True, False], "15 is no movie"
    assert eligibility.mask().tolist() == [True, False, False, False, False, True, True]
    assert eligibility.mask_without(np.array([10, 99])).tolist() == [False] * 6 + [True]
    assert eligibility.removal_counts() == {"not_available": 2, "age_limit": 1, "merchandising": 1, "excluded": 1}


def test_the_stricter_age_limit_holds():
    eligibility = EligibilityFilter(small_catalogue(["a"]), NOW, age_limit=12)
    limits = [eligibility.with_age_limit(limit).age_limit for limit in (None, 6, 16)]
    assert limits == [12, 6, 12]


def test_filters_by_genre_and_why_nothing_is_left():
    snapshot = small_catalogue(["a", "ab", "b"])
    found = build_mask(snapshot, Filters(genres=["A"], exclude_genres=["b"]))
    assert found.mask.tolist() == [True, False, False]
    neither = Filters(genres=["a"], exclude_genres=["a"])
    eligibility = EligibilityFilter(snapshot, NOW, attribute_mask=build_mask(snapshot, neither).mask)
    assert explain_empty(eligibility, neither, {})[0].text.startswith("Each filter matches some films")
    assert build_mask(snapshot, Filters(genres=["z"])).unknown_names == {"genres": ["z"]}


def test_the_best_rows_and_among_equals_the_first():
    scores, allowed = np.array([0.5, 0.9, 0.5, 0.1, 0.9]), np.array([True, True, True, True, False])
    assert top_rows(scores, allowed, 2).tolist() == [1, 0]
    assert top_rows(scores, allowed, 9).tolist() == [1, 0, 2, 3]


def test_ids_are_parsed_without_a_catalogue_and_looked_up_in_one():
    snapshot = small_catalogue(["a", "b"])
    snapshot.table.imdb[:] = [114709, 0]
    parsed = parse_movie_ids(["10", "imdb:tt0114709", "imdb:tt0000009", "x", "4294967296"])
    assert resolve_movie_ids(snapshot, parsed).tolist() == [10, 10, 0, 0, 0]


def test_a_movie_whose_window_opens_later_is_a_neighbour_already():
    """Neighbours are cached for as long as the catalogue stands, whatever is available at the moment."""
    snapshot = small_catalogue(["ab", "ab", "b"], available_from=[0, NOW + 1, 0])
    assert neighbours_of(snapshot, None, 0).tolist() == [1, 2]


def test_similar_to_the_last_movies_that_were_not_turned_down():
    snapshot = small_catalogue(["a", "a", "b", "b"])
    events = Events(np.array([10, 30], np.int32), kinds=np.array([WATCH, DISLIKE], np.int8))
    found, used = similar_to_history(EligibilityFilter(snapshot, NOW), 1, np.array([10, 30]), events)
    assert (found.movie_ids.tolist(), used.tolist()) == ([20], [10])


def test_a_pin_a_shift_and_an_exclusion():
    snapshot = small_catalogue(["a"] * 5)
    eligibility = EligibilityFilter(snapshot, NOW)
    pin = Pin(0, np.array([4]), is_single_movie=True)
    moved = apply_rules(
        rules(pins=(pin,), shift=np.array([-1, 0, 0, 0, 0])), eligibility, ranked(10, 20, 30), np.array([40]), limit=3
    )
    assert moved.movie_ids.tolist() == [50, 20, 10]
    seen = apply_rules(rules(pins=(pin,)), eligibility, ranked(10, 20), np.array([50]), limit=2)
    assert seen.movie_ids.tolist() == [10, 20], "a viewer who has seen the pinned movie does not get it again"
    unknown = apply_rules(rules(pins=(pin,)), eligibility, ranked(10, 20), None, limit=2)
    assert unknown.movie_ids.tolist() == [10, 20], "nobody knows whether they have"


@pytest.mark.parametrize("diversity", [0.0, 0.5])
def test_rules_on_an_empty_list(diversity):
    eligibility = EligibilityFilter(small_catalogue(["a"]), NOW)
    assert not len(apply_rules(rules(), eligibility, NO_MOVIES, None, limit=5, pool=9, diversity=diversity).movie_ids)


def row(kind, *rows):
    return CandidateRow(kind, Text(kind), Text(""), "popular", np.array(rows))


def test_rows_take_turns_and_show_no_movie_twice():
    rows = [row("genre", 0, 1, 2), row("genre", 3, 4, 5), row("top_picks", 0, 3, 6)]
    rows[0].about, rows[1].about = "a", "b"
    order = round_robin(rows, ("top_picks", "genre"))
    assert [candidate.key for candidate in order] == ["top_picks", "genre:a", "genre:b"]
    page = choose_rows(
        order, np.full(7, -np.inf, np.float32), max_rows=3, row_length=2, min_movies=2, films=np.arange(7)
    )
    assert [candidate.rows.tolist() for candidate in page] == [[0, 3], [1, 2], [4, 5]]
