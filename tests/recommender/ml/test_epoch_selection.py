"""The recipe follows the size of the data, and the epoch follows validation."""

import numpy as np
import pytest
import torch

from recommender.ml.config import fit_to_size, get_preset, override
from recommender.ml.epoch_selection import EpochSelection
from recommender.ml.train import TrainingHooks
from recommender.ml.visits import Visits
from tests.support.small_trainer import SPLIT, TOKENS, VOCAB, make_trainer

VALIDATION = Visits(*SPLIT.validation, SPLIT.validation.rows + 1)


@pytest.mark.parametrize(
    ("events", "epochs", "dropout"),
    [(3_000, 80, 0.3), (200_000, 80, 0.3), (500_000, 52, 0.2), (1_000_000, 26, 0.2), (25_000_000, 6, 0.2)],
)
def test_few_events_are_read_more_often(events, epochs, dropout):
    preset = fit_to_size(get_preset("default"), events)
    assert (preset.train.epochs, preset.model.dropout) == (epochs, dropout)


def test_published_recipes_stay_as_they_are():
    assert fit_to_size(get_preset("sasrec"), 3_000) == get_preset("sasrec")


def test_the_best_epoch_is_restored_not_the_last(tmp_path):
    trainer = make_trainer(epochs=3)
    selection = EpochSelection(TOKENS, VOCAB, VALIDATION, trainer.preset, tmp_path)

    def spoil_the_last(epoch, model):
        if epoch == 3:
            with torch.no_grad():
                model.items.ids.weight.normal_()
        return selection.on_epoch(epoch, model)

    trained = trainer.run(TrainingHooks(on_epoch=spoil_the_last, on_end=selection.restore))
    by_epoch = [epoch["ndcg10"] for epoch in trained.history]
    assert selection.best_epoch == 2
    assert by_epoch[2] < by_epoch[1]
    again = EpochSelection(TOKENS, VOCAB, VALIDATION, trainer.preset)
    assert again.on_epoch(1, trained.model)["ndcg10"] == by_epoch[1], "the model that comes out is that of epoch 2"
    resumed = EpochSelection(TOKENS, VOCAB, VALIDATION, trainer.preset, tmp_path)
    assert (resumed.best_epoch, resumed.best_ndcg10) == (2, by_epoch[1]), "an interrupted run finds it"
    other = override(trainer.preset, train={"lr": 1.0})
    assert EpochSelection(TOKENS, VOCAB, VALIDATION, other, tmp_path).best_epoch == 0, "of another training"


def test_a_training_that_no_longer_gets_better_ends():
    trainer = make_trainer(epochs=12, lr=0.0)
    selection = EpochSelection(TOKENS, VOCAB, VALIDATION, trainer.preset)
    hooks = TrainingHooks(on_epoch=selection.on_epoch, is_finished=selection.is_finished, on_end=selection.restore)
    assert len(trainer.run(hooks).history) == 7, "the first is the best, and six more are no better"


def test_a_film_without_a_training_token_has_no_vector_after_the_best_epoch_is_restored():
    film = 5  # every viewer's training ends before it
    watched = np.flatnonzero(TOKENS.items == film)
    viewers, first = np.unique(np.searchsorted(TOKENS.indptr, watched, side="right") - 1, return_index=True)
    ends = SPLIT.ends.copy()
    ends[viewers] = np.minimum(ends[viewers], watched[first])
    trainer = make_trainer(epochs=1, ends=ends)
    selection = EpochSelection(TOKENS, VOCAB, VALIDATION, trainer.preset)
    weights = trainer.run(TrainingHooks(on_epoch=selection.on_epoch, on_end=selection.restore)).model.items.ids.weight
    assert weights[film].abs().sum() == 0 < weights.abs().sum()


def test_no_validation_selects_the_first_epoch_and_ends_nothing_early():
    trainer = make_trainer(epochs=2)
    empty = Visits(*(np.empty(0, np.int64) for _ in range(3)))
    selection = EpochSelection(TOKENS, VOCAB, empty, trainer.preset)
    assert len(trainer.run(TrainingHooks(on_epoch=selection.on_epoch, is_finished=selection.is_finished)).history) == 2
