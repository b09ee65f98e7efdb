"""New films count as films of their kind: the term by hand, its fit, and what it does to lists."""

import numpy as np
import pytest
import torch

from recommender.ml import evaluate, model_folder
from recommender.ml.config import PRESETS, override
from recommender.ml.data import Events, Histories, tokenise
from recommender.ml.evaluate import Targets
from recommender.ml.features import build_features
from recommender.ml.model import TransformerRecModel
from recommender.ml.new_film_fitting import MIN_TARGETS, fit_new_film_term
from recommender.ml.new_film_term import NewFilmTerm
from recommender.ml.popularity import NUM_COUNTS, Popularity
from recommender.ml.prior_tuning import fit_prior
from recommender.ml.ranker import Ranker, load_ranker
from recommender.ml.train import Trainer
from recommender.ml.vocab import Vocab
from tests.support.popular_model import fixed_ensemble

KINDS = ("Comedy", "Western", "Opera")  # of ten viewers five watch comedies, three westerns, two operas
SHARES = (0.5, 0.3, 0.2)
MOVIES, VIEWERS, HELD_OUT = 240, 400, range(0, 240, 20)  # every 20th film is new
VOCAB = Vocab(np.arange(1_000, 1_000 + MOVIES))
KIND_OF = np.arange(MOVIES) // 80
HAS_STAR = np.arange(MOVIES) % 80 < 40  # such films are watched three times as often
FEATURES = build_features(
    [[f"genre:{KINDS[kind]}", *(["actor:Star"] if star else [])] for kind, star in zip(KIND_OF, HAS_STAR, strict=True)]
)
WIDTH = 32


def simulated_histories() -> list[Events]:
    """Return viewers of one kind, who watch its films in any order."""
    rng = np.random.default_rng(5)
    histories = []
    for _ in range(VIEWERS):
        kind = rng.choice(3, p=SHARES)
        films = np.flatnonzero(kind == KIND_OF)
        watched = films[rng.random(80) < np.where(HAS_STAR[films], 0.5, 0.15)]
        histories.append(Events.from_ids(1_000 + rng.permutation(watched)))
    return histories


ALL_TOKENS = tokenise(Histories.from_events(simulated_histories()), VOCAB)
KNOWN_TOKENS = tokenise(
    Histories.from_events(
        [Events.from_ids(h.movie_ids[~np.isin(h.movie_ids - 1_000, HELD_OUT)]) for h in simulated_histories()]
    ),
    VOCAB,
)
SPLIT = evaluate.leave_one_out(KNOWN_TOKENS)


@pytest.fixture(scope="module")
def trained():
    """A ranker that learned nothing of the held-out films."""
    torch.set_num_threads(1)
    torch.manual_seed(1)
    preset = override(
        PRESETS["default"],
        model={"d_model": 16, "d_item": WIDTH, "layers": 1, "taste_len": 0},
        train={"epochs": 4, "batch_positions": 2000, "lr": 1e-2, "warmup_steps": 5},
    )
    model = TransformerRecModel(MOVIES, preset.model, FEATURES)
    Trainer(model, KNOWN_TOKENS, SPLIT.ends, preset, device=torch.device("cpu")).run()
    ranker = Ranker(model, VOCAB, feature_names=FEATURES.names)
    return fit_prior(ranker, KNOWN_TOKENS, SPLIT.ends, SPLIT.validation)


@pytest.fixture(scope="module")
def fitted(trained):
    return fit_new_film_term(trained, KNOWN_TOKENS, SPLIT.ends, SPLIT.validation)


def new_share(ranker, k=30):
    """Return the share of new films in the viewers' lists."""
    lists = ranker.top(ranker.encode_tokens(KNOWN_TOKENS, *SPLIT.test), k)
    return np.mean([np.isin(ids - 1_000, HELD_OUT).mean() for ids, _ in lists])


def test_new_films_get_a_place_among_those_that_the_model_knows(trained, fitted):
    assert fitted.new_film_term.unwatched.tolist() == list(HELD_OUT)
    before, after = new_share(trained), new_share(fitted)
    assert before < 0.01
    assert 0.02 < after < 0.08, "a twentieth of the films is new, and about as many of a list"
    viewers = np.repeat(np.arange(VIEWERS), ALL_TOKENS.lengths())
    rows = np.flatnonzero(np.isin(ALL_TOKENS.items - 1, HELD_OUT))
    rows = rows[rows > ALL_TOKENS.indptr[viewers[rows]] + 3]
    targets = Targets(viewers[rows], rows)
    hits = [
        (evaluate.rank_targets(ALL_TOKENS, targets, evaluate.ranker_scorer(ranker)) <= 30).mean()
        for ranker in (trained, fitted)
    ]
    assert hits[1] > hits[0] + 0.05


def test_known_films_keep_their_scores(trained, fitted):
    known = VOCAB.movie_ids[~np.isin(np.arange(MOVIES), HELD_OUT)].tolist()
    states = trained.encode_tokens(KNOWN_TOKENS, *SPLIT.test)
    np.testing.assert_array_equal(fitted.score(states, known), trained.score(states, known))
    np.testing.assert_allclose(
        fitted.scores(states)[:, fitted.columns_of(known)], trained.score(states, known), atol=1e-3
    )


def test_a_film_of_a_kind_that_is_watched_more_is_expected_more(fitted):
    vectors = fitted.metadata_vectors()[[0, 79, 160, 239]]
    comedy, without_star, opera, last = fitted.new_film_term.expected_counts(vectors)[:, -1].tolist()
    assert comedy > without_star + 0.3
    assert comedy > opera + 0.3 > last + 0.6
    assert (fitted.new_film_term.weights[:, 0] > 0).all()


def test_a_film_that_was_added_scores_as_one_of_the_vocabulary_without_a_watch(fitted):
    """One that came after the training, beside one of the same kind that was there and that nobody watched."""
    states = fitted.encode_tokens(KNOWN_TOKENS, *SPLIT.test)
    added = fitted.cold_items(
        np.array([7, 8], np.int32), [["genre:Comedy", "actor:Star"], ["genre:Opera", "actor:Star"]]
    )
    crowding = max(0, np.log(len(HELD_OUT) / float(fitted.new_film_term.quota)))
    expected = fitted.score(states, [1_000, 1_160]) + crowding
    np.testing.assert_allclose(fitted.cold_scores(states, added), expected, atol=1e-3)


def by_hand(slope=0.5, offset=2.0, unwatched=()) -> NewFilmTerm:
    """A term that expects of every film e - 1 watches in every window and in all times."""
    counts = torch.zeros(NUM_COUNTS, WIDTH + 1)
    counts[:, -1] = 1.0
    columns = torch.tensor(unwatched, dtype=torch.int64)
    weights = torch.tensor([[slope, offset], [slope, offset + 1]])
    return NewFilmTerm(counts, torch.tensor(0.5), weights, torch.tensor([1.0, 0.5]), torch.tensor(10.0), columns)


def test_the_term_by_hand(trained):
    states = trained.encode_tokens(KNOWN_TOKENS, *SPLIT.test)[:5]
    ranker = trained.with_new_film_term(by_hand(unwatched=[3, 4]))
    np.testing.assert_allclose(ranker.score(states, [1_003]), trained.score(states, [1_003]) + 2.25, rtol=1e-5)
    ids, films = np.arange(1, 41, dtype=np.int32), [["genre:Comedy"]] * 40
    few, many = ranker.cold_items(ids[:10], films[:10]), ranker.cold_items(ids, films)
    alone = trained.cold_scores(states, many)
    np.testing.assert_allclose(ranker.cold_scores(states, few), alone[:, :10] + 2.25, rtol=1e-5)
    np.testing.assert_allclose(
        ranker.cold_scores(states, many), alone + 2.25 - np.log(4), rtol=1e-5, err_msg="forty weigh as much as ten"
    )
    chosen = many.select(np.arange(40) < 2)
    np.testing.assert_allclose(ranker.cold_scores(states, chosen), alone[:, :2] + 2.25 - np.log(4), rtol=1e-5)


def test_in_the_ensemble_it_has_the_counts_of_its_kind_until_it_has_more(trained):
    weights = [1e-9, 1.0, *[1e-9] * 4, 0.5, 1e-9]  # of the last day and of all times
    by_name = {}
    plain = trained.with_ensemble(fixed_ensemble(weights, MOVIES, width=WIDTH))
    for name, ranker in (("plain", plain), ("term", plain.with_new_film_term(by_hand()))):
        films = ranker.cold_items(np.array([7], np.int32), [["genre:Comedy"]])
        watched = Popularity(np.array([7], np.int32), np.full((1, NUM_COUNTS), 9, np.float32))
        states = ranker.encode_tokens(KNOWN_TOKENS._replace(timed=np.zeros(VIEWERS, bool)), *SPLIT.test)[:3]
        by_name[name] = [r.cold_scores(states, films) for r in (ranker, ranker.with_popularity(watched))]
    np.testing.assert_allclose(by_name["term"][0], by_name["plain"][0] + 1 + 0.5 + 3.25 / 0.5, rtol=1e-4)
    np.testing.assert_allclose(by_name["term"][1], by_name["plain"][1], rtol=1e-6)


def test_a_model_folder_stores_the_term(fitted, tmp_path):
    states = fitted.encode_tokens(KNOWN_TOKENS, *SPLIT.test)
    saved = (fitted.model, VOCAB, FEATURES, {}, fitted.prior)
    folder = model_folder.save_model(tmp_path / "v1", *saved, new_film_term=fitted.new_film_term)
    loaded = load_ranker(folder)
    np.testing.assert_allclose(loaded.scores(states), fitted.scores(states), rtol=1e-5, atol=1e-4)
    for own, stored in zip(fitted.top(states, 10), loaded.top(states, 10), strict=True):
        assert own[0].tolist() == stored[0].tolist()
    assert load_ranker(model_folder.save_model(tmp_path / "v2", *saved)).new_film_term is None
    model_folder.save_model(tmp_path / "v3", *saved, new_film_term=fitted.new_film_term._replace(counts=torch.ones(3)))
    with pytest.raises(model_folder.ModelCorrupt, match="new films"):
        load_ranker(tmp_path / "v3")


def test_without_metadata_or_targets_there_is_no_term(trained):
    few = Targets(*(column[: MIN_TARGETS // 4] for column in SPLIT.validation))
    assert fit_new_film_term(trained, KNOWN_TOKENS, SPLIT.ends, few) is trained
    plain = Ranker(TransformerRecModel(MOVIES, PRESETS["basic"].model), VOCAB)
    assert fit_new_film_term(plain, KNOWN_TOKENS, SPLIT.ends, SPLIT.validation) is plain
