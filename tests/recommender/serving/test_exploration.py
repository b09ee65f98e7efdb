"""Exploration: a share of the personal lists is drawn from the best films, with chances that are known."""

import numpy as np
import pytest

from catalog.models import Rule
from catalog.services import bump_catalogue
from recommender import tasks
from recommender.models import ServedList
from recommender.outcomes.estimators import place_chances
from recommender.served_lists.entry import FLAGS, Films, Pool
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.replay import Verdict, replay
from recommender.serving.reranking.exploration import draw, place_propensities
from tests.support.api import recommended_ids
from tests.support.cast import ADA, BEN, EVE, GODFATHER


@pytest.fixture
def exploring(settings):
    """Draw every list that may be drawn."""
    settings.EXPLORATION_SHARE = 1.0


def test_chances_of_places_by_hand():
    # Films of weight 3 and 1 are drawn in this order, one of weight 2 is left: 3 of 6, then 1 of 3.
    chances = place_propensities(np.log([3.0, 1.0]), np.log([2.0]))
    assert chances == pytest.approx([1 / 2, 1 / 3])
    # Weights 2, 1, 1: the first film is second where another came first, which leaves it 2 of 3: twice 1/4 * 2/3.
    expected = [[1 / 2, 1 / 3, 1 / 6], [1 / 4, 1 / 3, 5 / 12], [1 / 4, 1 / 3, 5 / 12]]
    assert place_chances(np.array([2.0, 1.0, 1.0]), 3) == pytest.approx(np.array(expected), abs=1e-4)
    assert place_chances(np.array([2.0, 1.0, 1.0]), 1)[:, 0] == pytest.approx([1 / 2, 1 / 4, 1 / 4], abs=1e-4)


def test_lists_are_drawn_as_often_as_the_chances_say():
    ranked = RankedMovies(np.arange(1, 7, dtype=np.int32), np.array([3, 2.5, 2, 1, 0.5, 0], np.float32))
    draws = [draw(ranked, 3, seed) for seed in range(4_000)]
    temperature = float(np.std([3, 2.5, 2, 1, 0.5, 0]))
    assert draws[0].pool.temperature == pytest.approx(temperature)
    chances = place_chances(np.exp((ranked.scores - 3) / temperature), 3)
    found = np.array([[(np.array([one.movies.movie_ids[k] for one in draws]) == film).mean() for k in range(3)]
                      for film in range(1, 7)])  # fmt: skip
    assert found == pytest.approx(chances, abs=4 * np.sqrt(0.25 / 4_000))
    assert draw(ranked, 3, 5).movies.movie_ids.tolist() == draws[5].movies.movie_ids.tolist()
    one = draws[0]
    assert sorted([*one.movies.movie_ids, *one.pool.movie_ids]) == [1, 2, 3, 4, 5, 6]
    assert sorted(one.pool.scores, reverse=True) == one.pool.scores.tolist()
    same = RankedMovies(ranked.movie_ids, np.ones(6, np.float32))
    assert draw(same, 2, 1).propensities == pytest.approx([1 / 6, 1 / 5])


def test_a_drawn_list_says_so_and_is_recorded_with_its_chances(site, model, exploring):
    answers = [site.get(f"/recommend?user_id={ADA}&top_k=6") for _ in range(4)]
    assert {answer["is_drawn"] for answer in answers} == {True}
    assert [answer["source"] for answer in answers] == ["model"] + ["cache"] * 3
    assert len({tuple(recommended_ids(answer)) for answer in answers}) > 1
    tasks.store_served_lists()
    best = recommended_ids(site.post("/recommend", {"user_id": ADA, "top_k": 12, "explain": True}))
    for answer in answers:
        told = site.get(f"/recommendations/{answer['recommendation_id']}")
        assert recommended_ids(answer) == [film["movie_id"] for film in told["films"]]
        assert set(recommended_ids(answer)) <= set(best)
        assert all(0 < film["propensity"] < 1 for film in told["films"])
        row = ServedList.objects.get(pk=answer["recommendation_id"])
        films = Films.unpack(bytes(row.films))
        assert row.flags & FLAGS["sampled"]
        assert films.seed == told["seed"] < 1 << 48
        assert {*films.movie_ids.tolist(), *films.pool.movie_ids.tolist()} == set(map(int, best))
        again = replay(row)
        assert again.difference.verdict == Verdict.SAME, again.difference


def test_other_lists_are_never_drawn(site, model, exploring):
    lists = [
        site.get(f"/recommend?user_id={ADA}&explain=true"),
        site.get(f"/recommend?user_id={ADA}&diversity=0.5"),
        site.get(f"/recommend?user_id={ADA}&exclude={GODFATHER}"),
        site.get(f"/recommend?user_id={EVE}"),
        site.post("/recommend", {"user_ids": [ADA, BEN]}),
        site.post("/recommend", {"user_id": ADA, "history": ["260"]}),
        site.post("/recommend/filtered", {"user_id": ADA}),
        site.post("/recommend/filtered", {"user_id": ADA, "genres": ["Crime"]}),
    ]
    assert [answer for answer in lists if "is_drawn" in answer] == []
    assert len(lists[3]["recommendations"]) == 20
    listed = recommended_ids(site.get(f"/recommend?user_id={BEN}&explain=true"))
    Rule.objects.create(name="up", action="pin", places=1, movie_id=int(listed[9]))
    bump_catalogue()
    pinned = site.get(f"/recommend?user_id={BEN}")
    assert "is_drawn" not in pinned
    assert recommended_ids(pinned)[0] == listed[9]
    assert len(recommended_ids(pinned)) == 20


def test_a_drawn_list_goes_on_without_a_film_twice(site, model, exploring):
    first = site.get(f"/recommend?user_id={ADA}&top_k=5")
    second = site.get(f"/recommend?user_id={ADA}&top_k=5&cursor={first['next']}")
    assert first["is_drawn"]
    assert "is_drawn" not in second
    assert len({*recommended_ids(first), *recommended_ids(second)}) == 10


def test_nothing_is_drawn_unless_it_is_asked_for(site, model, settings, admin_client):
    assert settings.EXPLORATION_SHARE == 0
    assert "is_drawn" not in site.get(f"/recommend?user_id={ADA}")
    settings.EXPLORATION_SHARE = 0.5
    drawn = sum("is_drawn" in site.get(f"/recommend?user_id={ADA}&top_k=3") for _ in range(40))
    assert 8 <= drawn <= 32
    tasks.store_served_lists()
    assert ServedList.objects.filter(flags__in=range(8, 16)).count() == drawn


def test_a_pool_keeps_its_bytes():
    pool = Pool(np.array([-5, 70_000], np.int32), np.array([1.5, -2], np.float32), 0.25)
    films = Films(
        np.array([9], np.int32), np.array([3], np.float32), np.array([0.5], np.float32), (1, None, 3), 7, 99, pool
    )
    again = Films.unpack(films.pack())
    assert (again.seed, again.made_at, again.versions) == (7, 99, (1, None, 3))
    assert again.pool.movie_ids.tolist() == [-5, 70_000]
    assert (again.pool.scores.tolist(), again.pool.temperature) == ([1.5, -2.0], 0.25)
    assert again.movie_ids.tolist() == [9]
