"""What is popular lately: the counts by hand, the term that they add to every score, and its fit on validation."""

import numpy as np
import pytest
import torch

from recommender.ml import evaluate, metrics, model_folder
from recommender.ml.config import PRESETS, override
from recommender.ml.data import RATING, Events, Histories, Tokens, tokenise
from recommender.ml.evaluate import Targets
from recommender.ml.features import build_features
from recommender.ml.model import TransformerRecModel
from recommender.ml.popularity import DAY, FULL_DAY_VIEWERS, WINDOW_DAYS, DailyPopularity, Popularity
from recommender.ml.popularity_fitting import MIN_TARGETS, fit_popularity_term
from recommender.ml.popularity_term import PopularityTerm, viewer_traits
from recommender.ml.ranker import Ranker, load_ranker
from recommender.ml.vocab import Vocab
from tests.support.popular_model import fixed_term

MOVIES, VIEWERS, DAYS, START = 40, 300, 60, 15_000  # START: days since 1970
VOCAB = Vocab(np.arange(100, 100 + MOVIES))
FEATURES = build_features([["genre:Drama"] for _ in range(MOVIES)])


def hits_of_the_day(seed: int = 1) -> Tokens:
    """Return histories of viewers who come every fifth day; four in five watch the film that is new for five days, the
    others any film."""
    rng = np.random.default_rng(seed)
    viewers, movie_ids, times = [], [], []
    for viewer in range(VIEWERS):
        for day in range(viewer % 5, DAYS, 5):
            follows = rng.random() < 0.8
            viewers.append(viewer)
            movie_ids.append(100 + (day // 5 if follows else int(rng.integers(MOVIES))))
            times.append((START + day) * DAY + 3_600 * 12)
    n = len(viewers)
    events = Events(
        np.array(movie_ids, np.int32),
        np.array(times),
        np.full(n, RATING, np.int8),
        np.full(n, 4.0, np.float32),
        np.full(n, np.nan, np.float32),
    )
    return tokenise(Histories.from_table(np.array(viewers), events), VOCAB)


TOKENS = hits_of_the_day()
CUT = (START + DAYS * 2 // 3) * DAY
VIEWER_OF_TOKEN = np.repeat(np.arange(VIEWERS), TOKENS.lengths())
ENDS = TOKENS.indptr[:-1] + np.bincount(VIEWER_OF_TOKEN[TOKENS.times <= CUT], minlength=VIEWERS)
LATER = np.flatnonzero(TOKENS.times > CUT)
VALIDATION, TEST = (Targets(VIEWER_OF_TOKEN[rows], rows) for rows in (LATER[LATER % 2 == 0], LATER[LATER % 2 == 1]))
POPULARITY = DailyPopularity.from_tokens(TOKENS, MOVIES)


def untrained(**fields) -> Ranker:
    torch.manual_seed(3)
    model = TransformerRecModel(MOVIES, override(PRESETS["default"], model=fields).model, FEATURES)
    return Ranker(model, VOCAB, feature_names=FEATURES.names)


LEARNED = torch.arange(MOVIES, dtype=torch.float32)


def term_with(weights: list[float]) -> PopularityTerm:
    return fixed_term(weights, LEARNED, torch.from_numpy(POPULARITY.latest()))


WEIGHTS = [2.0, -0.5, 0.0, 1.0, 0.0, 0.25, 0.5, 3.0]


def test_windows_count_full_days_up_to_midnight():
    """On days with many viewers a window of three days is three days; today's watches are not known yet."""
    days = np.repeat(np.arange(START, START + 5), FULL_DAY_VIEWERS)
    viewers = np.tile(np.arange(FULL_DAY_VIEWERS), 5)
    popularity = DailyPopularity(days, viewers, days - START, 5)  # film n on day n
    assert WINDOW_DAYS[:2] == (1, 3)
    by_window = popularity.at_day(START + 4)
    assert by_window[:, 0].tolist() == [0, 0, 0, FULL_DAY_VIEWERS, 0]
    assert by_window[:, 1].tolist() == [0, *[FULL_DAY_VIEWERS] * 3, 0]
    assert by_window[:, -1].tolist() == [*[FULL_DAY_VIEWERS] * 4, 0]
    assert popularity.latest()[:, 0].tolist() == [0, 0, 0, 0, FULL_DAY_VIEWERS]


def test_on_a_small_site_windows_reach_further_back():
    """Half as many viewers as a full day has: a window of one day is two, and years without anybody are nothing."""
    half = FULL_DAY_VIEWERS // 2
    days = np.repeat(np.arange(START, START + 4), half)
    popularity = DailyPopularity(days, np.tile(np.arange(half), 4), days - START, 4)
    assert popularity.at_day(START + 4)[:, 0].tolist() == [0, 0, half, half]
    assert popularity.at_day(START + 4 + 3_650)[:, 0].tolist() == [0, 0, half, half]


def test_poor_ratings_do_not_make_a_film_popular():
    tokens = TOKENS._replace(stars=np.where(TOKENS.items == 1, 4, TOKENS.stars).astype(np.int8))
    assert DailyPopularity.from_tokens(TOKENS, MOVIES).latest()[0, -1] > 0
    assert DailyPopularity.from_tokens(tokens, MOVIES).latest()[0].tolist() == [0] * 6


def test_no_watch_at_all_counts_nothing():
    empty = np.empty(0, np.int64)
    assert not DailyPopularity(empty, empty, empty, 3).at_day(START).any()
    assert not DailyPopularity(empty, empty, empty, 3).latest().any()


def test_counts_of_films_by_id():
    popularity = Popularity(np.array([-3, 7, 9], np.int32), np.arange(18, dtype=np.float32).reshape(3, 6))
    assert popularity.counts_of(np.array([9, 8, -3], np.int32))[:, 0].tolist() == [12, 0, 0]
    assert not Popularity(np.empty(0, np.int32), np.empty((0, 6), np.float32)).counts_of(np.array([1])).any()


def test_traits_of_a_viewer_by_hand():
    """Two films, watched 0 and 9 days after anybody's first watch, and asked 23 hours after the second."""
    histories = Histories.from_table(
        np.array([0, 0]),
        Events(
            np.array([100, 101], np.int32),
            np.array([START * DAY, (START + 9) * DAY]),
            np.full(2, RATING, np.int8),
            np.full(2, 4.0, np.float32),
            np.full(2, np.nan, np.float32),
        ),
    )
    tokens = tokenise(histories, VOCAB)
    first_watched = np.full(MOVIES + 1, START * DAY)
    now = np.array([(START + 9) * DAY + 23 * 3_600])
    both, unknown = (
        viewer_traits(tokens, np.array([0]), np.array([2]), asked_at, first_watched)[0] for asked_at in (now, None)
    )
    expected = [np.log(3), 1, (np.log1p(0) + np.log1p(9)) / 2, 1, 1, np.log(24)]
    np.testing.assert_allclose(both, expected, rtol=1e-5)
    np.testing.assert_allclose(unknown, [*expected[:4], 0, 0], rtol=1e-5)
    untimed = tokens._replace(timed=np.zeros(1, bool))
    np.testing.assert_allclose(
        viewer_traits(untimed, np.array([0]), np.array([2]), None, first_watched)[0], [np.log(3), 0, 0, 0, 0, 0]
    )


@pytest.mark.parametrize("mlp", [False, True])
def test_the_ranker_adds_popularity(mlp):
    plain = untrained(use_mlp_scorer=mlp)
    popular = plain.with_popularity_term(term_with(WEIGHTS))
    history = [Events.from_ids([101, 109, 102]), Events.from_ids([])]
    states = popular.encode(history)
    assert states.shape == (2, popular.state_size)
    counts = POPULARITY.latest()
    fields = np.vstack([np.log1p(counts.T), np.log1p(np.arange(MOVIES)), np.arange(MOVIES) == 0])
    added = np.array(WEIGHTS) @ fields
    expected = plain.score(plain.encode(history), VOCAB.movie_ids.tolist()) + added
    np.testing.assert_allclose(popular.score(states, VOCAB.movie_ids.tolist()), expected, rtol=1e-4, atol=1e-3)
    for (movie_ids, scores), row in zip(popular.top(states, 5), expected, strict=True):
        assert movie_ids.tolist() == VOCAB.movie_ids[np.argsort(-row, kind="stable")[:5]].tolist()
        np.testing.assert_allclose(scores, np.sort(row)[::-1][:5], rtol=1e-4, atol=1e-3)


def test_newer_counts_need_no_new_model():
    ranker = untrained().with_popularity_term(term_with([1.0] + [0.0] * 7))
    counts = np.zeros((2, 6), np.float32)
    counts[:, 0] = 50, 1_000  # of a film of the model, and of one that it does not know
    risen = ranker.with_popularity(Popularity(np.array([120, 999], np.int32), counts))
    states = ranker.encode([Events.from_ids([101, 109])])
    plain, added = (
        r.score(states, [120])[0, 0] - r.score(states, [121])[0, 0]
        for r in (ranker.with_popularity(Popularity(np.array([999], np.int32), counts[:1])), risen)
    )
    assert added - plain == pytest.approx(np.log1p(50), rel=1e-3)
    cold = ranker.cold_items(np.array([999], np.int32), [["genre:Drama"]])
    before, after = (r.cold_scores(states, cold)[0, 0] for r in (ranker, risen))
    assert after - before == pytest.approx(np.log1p(1_000), rel=1e-3)
    [(movie_ids, _)] = risen.top(states, 40, cold_items=cold)
    assert 999 in movie_ids.tolist()


def test_a_model_folder_stores_the_term(tmp_path):
    ranker = untrained().with_popularity_term(term_with(WEIGHTS))
    folder = model_folder.save_model(
        tmp_path / "v1", ranker.model, VOCAB, FEATURES, {}, popularity_term=ranker.popularity_term
    )
    states = ranker.encode_tokens(TOKENS, *TEST)
    np.testing.assert_allclose(load_ranker(folder).scores(states), ranker.scores(states), rtol=1e-5)
    short = ranker.popularity_term._replace(counts=torch.zeros(3, 6))
    model_folder.save_model(tmp_path / "v2", ranker.model, VOCAB, FEATURES, {}, popularity_term=short)
    with pytest.raises(model_folder.ModelCorrupt, match="popularity"):
        load_ranker(tmp_path / "v2")


def test_the_fit_finds_that_viewers_follow_the_day():
    """The model is untrained; what everybody watched yesterday tells most of what they watch today."""
    plain = untrained()
    fitted = fit_popularity_term(plain, TOKENS, ENDS, VALIDATION, POPULARITY)
    before, after = (
        metrics.ndcg(evaluate.rank_targets(TOKENS, TEST, evaluate.ranker_scorer(ranker, mode, POPULARITY)), 10)
        for ranker, mode in ((plain, "unknown"), (fitted, "unknown"))
    )
    assert after > 0.4 > 3 * before
    again = fit_popularity_term(untrained(), TOKENS, ENDS, VALIDATION, POPULARITY)
    for tensor, expected in zip(again.popularity_term, fitted.popularity_term, strict=True):
        assert torch.equal(tensor, expected)  # a seed's model can be made again


def test_too_few_targets_leave_the_ranker_as_it_is():
    few = Targets(*(column[: MIN_TARGETS // 4] for column in VALIDATION))
    plain = untrained()
    assert fit_popularity_term(plain, TOKENS, ENDS, few, POPULARITY) is plain
