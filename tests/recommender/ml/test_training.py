"""Training: it learns order, it repeats itself, it survives being stopped, and what it writes can be trusted."""

import json

import numpy as np
import pytest
import torch

from recommender.ml import evaluate, metrics, model_folder
from recommender.ml.baselines import baseline_fitters
from recommender.ml.config import MANIFEST_FILE, PRESETS
from recommender.ml.prior_tuning import fit_prior
from recommender.ml.ranker import Ranker, load_ranker
from recommender.ml.train import Step, Trainer, TrainingHooks, TrainingInterrupted
from recommender.ml.training_tokens import TrainingTokens
from tests.support.paired_histories import MOVIES
from tests.support.small_trainer import FEATURES, SPLIT, TOKENS, VOCAB, make_trainer


@pytest.mark.parametrize("changes", [{}, {"negatives": 20}])
@pytest.mark.parametrize("name", PRESETS)
def test_training_learns_the_order(name, changes):
    trained = make_trainer(name, **changes).run()
    ranker = Ranker(trained.model, VOCAB)
    ranks = evaluate.rank_targets(TOKENS, SPLIT.test, evaluate.ranker_scorer(ranker))
    popular = evaluate.rank_targets(
        TOKENS, SPLIT.test, baseline_fitters(TrainingTokens(TOKENS, SPLIT.ends, MOVIES))["popularity"]()
    )
    assert metrics.hit_rate(ranks, 1) > 0.8 > metrics.hit_rate(popular, 1)


def test_the_mlp_scorer_learns_too():
    trained = make_trainer("basic", model={"use_mlp_scorer": True}).run()
    ranker = Ranker(trained.model, VOCAB)
    states = ranker.encode_tokens(TOKENS, *SPLIT.test)
    first = [
        movie_ids[0]
        for movie_ids, _ in ranker.top(
            states, 1, exclude=[VOCAB.movie_ids[s] for s in evaluate.seen_items(TOKENS, SPLIT.test)]
        )
    ]
    assert np.mean(np.array(first) == VOCAB.movie_ids[TOKENS.items[SPLIT.test.rows] - 1]) > 0.8


def test_the_same_seed_gives_the_same_model_and_another_seed_another():
    losses = [make_trainer(seed=seed, epochs=2).run().history[-1]["loss"] for seed in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_it_learns_the_order_on_a_gpu_too():
    on_gpu = make_trainer(bf16=True)
    on_gpu = Trainer(on_gpu.model, TOKENS, SPLIT.ends, on_gpu.preset, device=torch.device("cuda"))
    ranker = fit_prior(Ranker(on_gpu.run().model, VOCAB), TOKENS, SPLIT.ends, SPLIT.validation)
    ranks = evaluate.rank_targets(TOKENS, SPLIT.test, evaluate.ranker_scorer(ranker))
    assert metrics.hit_rate(ranks, 1) > 0.8
    states = ranker.encode_tokens(TOKENS, *SPLIT.test)
    assert len(ranker.top(states, 5)) == len(states)


def test_an_interrupted_run_resumes_with_the_same_result(tmp_path):
    uninterrupted = make_trainer(epochs=3).run()

    def stop(step: Step) -> bool:
        return not (step.epoch == 2 and step.step == 3)

    with pytest.raises(TrainingInterrupted):
        make_trainer(folder=tmp_path, epochs=3).run(TrainingHooks(on_step=stop))
    assert {path.name for path in tmp_path.iterdir()} == {"transformer_epoch1.pt", "transformer_latest.pt"}
    resumed = make_trainer(folder=tmp_path, epochs=3).run(resume=True)
    for parameter, expected in zip(resumed.model.parameters(), uninterrupted.model.parameters(), strict=True):
        torch.testing.assert_close(parameter, expected)
    assert [epoch["loss"] for epoch in resumed.history] == pytest.approx([e["loss"] for e in uninterrupted.history])


def resumed_epochs(trainer) -> list[int]:
    """The epochs that a resumed run trains."""
    epochs: list[int] = []

    def on_epoch(epoch, model):
        epochs.append(epoch)
        return {}

    trainer.run(TrainingHooks(on_epoch=on_epoch), resume=True)
    return epochs


def test_a_truncated_checkpoint_is_skipped_for_an_older_one(tmp_path):
    make_trainer(folder=tmp_path, epochs=3).run()
    newest = tmp_path / "transformer_epoch3.pt"
    newest.write_bytes(newest.read_bytes()[:1000])
    assert resumed_epochs(make_trainer(folder=tmp_path, epochs=3)) == [3]


def test_a_checkpoint_of_other_data_is_ignored(tmp_path):
    make_trainer(folder=tmp_path, epochs=1).run()
    assert resumed_epochs(make_trainer(folder=tmp_path, epochs=1)) == [], "the same data: nothing is left to train"
    assert resumed_epochs(make_trainer(folder=tmp_path, epochs=1, ends=SPLIT.ends - 1)) == [1]


def test_a_film_without_training_tokens_gets_no_id_vector():
    """No viewer trains on tokens from film 7 on."""
    ends = np.array(
        [
            min([stop - 1, *(first + np.flatnonzero(TOKENS.items[first:stop] == 7))])
            for first, stop in zip(TOKENS.indptr[:-1], TOKENS.indptr[1:], strict=True)
        ]
    )
    vectors = make_trainer(epochs=1, ends=ends).run().model.items.ids.weight
    assert not vectors[7].any()
    assert vectors[9].any()


def test_loading_a_broken_model_folder_says_what_is_wrong(tmp_path):
    model = make_trainer().run().model
    folder = model_folder.save_model(tmp_path / "v1", model, VOCAB, FEATURES, {"metrics": {"ndcg10": 0.5}})
    ranker = load_ranker(folder)
    assert ranker.version == "v1"
    assert ranker.metrics == {"ndcg10": 0.5}
    states = Ranker(model, VOCAB).encode_tokens(TOKENS, *SPLIT.test)
    np.testing.assert_allclose(ranker.encode_tokens(TOKENS, *SPLIT.test), states, rtol=1e-4, atol=1e-4)

    with pytest.raises(model_folder.ModelMissing, match="Train"):
        load_ranker(tmp_path / "v2")
    manifest = json.loads((folder / MANIFEST_FILE).read_text())
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest | {"format": 99}))
    with pytest.raises(model_folder.ModelFormatMismatch, match="99"):
        load_ranker(folder)
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest))
    weights = folder / model_folder.WEIGHTS_FILE
    weights.write_bytes(weights.read_bytes()[:-5])
    with pytest.raises(model_folder.ModelCorrupt, match="checksum"):
        load_ranker(folder)


def test_baselines_by_hand():
    """Film 2n is followed by 2n + 1 with certainty: Markov must see it, popularity cannot."""
    training = TrainingTokens(TOKENS, SPLIT.ends, MOVIES)
    hits = {
        name: metrics.hit_rate(evaluate.rank_targets(TOKENS, SPLIT.test, fit()), 1)
        for name, fit in baseline_fitters(training).items()
    }
    assert hits["markov"] == 1.0
    assert hits["blend"] > 0.9
    assert hits["popularity"] < 0.3
    items = np.concatenate([block.items for block in training.blocks()])
    counts = np.bincount(items, minlength=MOVIES)
    assert baseline_fitters(training)["popularity"]()(TOKENS, SPLIT.test)[0].tolist() == counts.tolist()


def test_an_epoch_may_be_cut_to_some_steps_and_the_next_one_sees_other_histories(tmp_path):
    seen: list[tuple[int, int, int]] = []

    def run(folder, stop_after, *, resume=False):
        def on_step(step):
            seen.append((step.epoch, step.step, step.targets))
            return len(seen) != stop_after

        return make_trainer(folder=folder, epochs=2, max_steps=3).run(TrainingHooks(on_step), resume=resume)

    whole = run(None, -1)
    assert [place[:2] for place in seen] == [(epoch, step) for epoch in (1, 2) for step in (1, 2, 3)]
    expected = seen.copy()
    seen.clear()
    with pytest.raises(TrainingInterrupted):
        run(tmp_path, 2)
    resumed = run(tmp_path, -1, resume=True)
    assert seen == expected
    assert resumed.history[-1]["loss"] == whole.history[-1]["loss"]
    losses = [epoch["loss"] for epoch in make_trainer(epochs=2, max_steps=3, lr=0.0).run().history]
    assert losses[0] != losses[1], "without learning another loss is one of other histories"
