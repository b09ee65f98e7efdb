"""Which films the same people liked: pairs in different visits, beyond popularity, and little where few liked."""

import numpy as np
import pytest

from recommender.ml.co_liking import MAX_LIKED, MIN_LIKES, fit_co_liking
from recommender.ml.data import RATING, Events, Histories, tokenise
from recommender.ml.vocab import Vocab

FILMS = 40
VOCAB = Vocab(np.arange(1, FILMS + 1))
YEARS = np.full(FILMS, 2000)
DAY, MINUTE = 86_400, 60  # seconds


def lifts_of(histories, years=YEARS):
    """Return a function that tells the lift of two films, from viewers' lists of (film, stars) that are `gap` apart."""

    def events(ratings, gap):
        films, stars = zip(*ratings, strict=True)
        count = len(films)
        times = 1_000_000_000 + gap * np.arange(count)
        return Events(np.array(films, np.int32), times, np.full(count, RATING, np.int8), np.array(stars, np.float32))

    tokens = tokenise(Histories.from_events([events(*history) for history in histories]), VOCAB)
    liked = fit_co_liking(tokens, years)

    def lift(film, other):
        own = slice(*liked.starts[film - 1 : film + 1].tolist())
        return float(liked.lifts[own][liked.columns[own] == other - 1].sum())

    return lift, liked


def viewers_of(pair, gap, count, stars=5.0, seed=1):
    """Return viewers who like both films of a pair, and two others."""
    rng = np.random.default_rng(seed)
    others = [rng.choice(np.arange(10, FILMS + 1), 2, replace=False).tolist() for _ in range(count)]
    return [([(film, stars) for film in (pair[0], other, another, pair[1])], gap) for other, another in others]


def strangers(count, seed=5):
    """Return viewers who like what nobody else does together."""
    rng = np.random.default_rng(seed)
    return [
        ([(int(film), 5.0) for film in rng.choice(np.arange(10, FILMS + 1), 4, replace=False)], DAY)
        for _ in range(count)
    ]


def test_films_liked_in_different_visits_go_together_and_those_of_one_visit_do_not():
    crowd = viewers_of((1, 2), DAY, 30) + viewers_of((3, 4), MINUTE, 30) + strangers(300)
    lift, _ = lifts_of(crowd)
    assert lift(1, 2) == lift(2, 1) > 0.5
    assert lift(3, 4) == 0


def test_films_that_were_not_liked_do_not_count():
    lift, liked = lifts_of(viewers_of((1, 2), DAY, 30, stars=2.0))
    assert (lift(1, 2), len(liked.columns)) == (0, 0)


def test_few_likes_say_less_than_many():
    few = lifts_of(viewers_of((1, 2), DAY, 5) + viewers_of((3, 4), DAY, 20) + strangers(300))[0]
    assert 0 < few(1, 2) < few(3, 4)
    assert lifts_of(viewers_of((1, 2), DAY, MIN_LIKES - 1) + strangers(300))[0](1, 2) == 0


def test_popular_films_are_not_near_for_being_popular():
    rng = np.random.default_rng(2)
    crowd = [
        ([(1, 5.0), (2, 5.0), *((int(film), 5.0) for film in rng.choice(np.arange(5, FILMS), 6, replace=False))], DAY)
        for _ in range(80)
    ]
    lift, _ = lifts_of(crowd)
    assert lift(1, 2) < 0.2


def test_films_of_one_period_are_not_near_for_it():
    """Those who watch what is new like new films: within the period there is no more to it."""
    rng = np.random.default_rng(3)
    years = np.where(np.arange(FILMS) < FILMS // 2, 1960, 2020)
    crowd = []
    for viewer in range(200):
        films = np.arange(1, 21) if viewer % 2 else np.arange(21, 41)
        crowd.append(([(int(film), 5.0) for film in rng.choice(films, 6, replace=False)], DAY))
    within = [lifts_of(crowd, of)[1].lifts.astype(float).sum() for of in (YEARS, years)]
    assert within[1] < 0.5 * within[0]


def test_a_film_keeps_those_that_stand_out_and_no_likes_are_no_neighbours():
    _, liked = lifts_of(viewers_of((1, 2), DAY, 200))
    assert np.diff(liked.starts).max() <= MAX_LIKED
    for first, stop in zip(liked.starts[:-1], liked.starts[1:], strict=True):
        assert (np.diff(liked.lifts[first:stop].astype(float)) <= 0).all()
    _, none = lifts_of([([(1, 5.0)], DAY)])
    assert none.starts.tolist() == [0] * (FILMS + 1)


@pytest.mark.parametrize("count", [1, 7, 1_000])
def test_blocks_of_any_size_count_the_same(monkeypatch, count):
    crowd = viewers_of((1, 2), DAY, 50)
    whole = lifts_of(crowd)[1]
    monkeypatch.setattr("recommender.ml.co_liking.MAX_PAIRS", count)
    monkeypatch.setattr("recommender.ml.co_liking.MAX_CELLS", count)
    for one, other in zip(whole, lifts_of(crowd)[1], strict=True):
        np.testing.assert_array_equal(one, other)
