"""The steps of the nightly job in this process: its data, its evaluation, what goes live, what a kill leaves."""

import json
import shutil
import sys

import numpy as np
import pytest
import torch
from django.conf import settings

from catalog import selectors, services
from catalog.models import Movie, Viewer, WatchEvent
from catalog.services import bump_epoch
from recommender import registry
from recommender.history import to_model_events
from recommender.jobs import leases, queue
from recommender.ml import ensemble_fitting, evaluate, prior_tuning
from recommender.ml.data import Histories, Tokens, tokenise
from recommender.ml.neighbour_table import NEIGHBOURS_FILE
from recommender.ml.popularity import DailyPopularity
from recommender.ml.vocab import Vocab
from recommender.models import Job, ModelVersion
from recommender.serving.replay import counterfactual
from recommender.training import cleanup, nightly
from recommender.training.evidence import LEARNED, POPULARITY
from recommender.training.snapshot import Snapshot, take_snapshot
from recommender.training.vocabulary_mapping import scorer_for_vocabulary
from tests.support.cast import STAR_WARS
from tests.support.histories import training_histories
from tests.support.jobs import new_lease, run_nightly, run_until
from tests.support.tiny_model import clear_caches


@pytest.fixture(autouse=True)
def _fresh():
    clear_caches()
    yield
    clear_caches()
    shutil.rmtree(settings.CHECKPOINT_DIR, ignore_errors=True)


def test_the_snapshot_has_what_the_selectors_return_for_each_viewer(cast, tmp_path):
    snapshot = take_snapshot(tmp_path)
    again = Snapshot.load(tmp_path)

    assert again.data_hash == snapshot.data_hash == take_snapshot(tmp_path / "another").data_hash
    assert again.counts == {"viewers": 4, "events": WatchEvent.objects.count(), "films": Movie.objects.count()}
    viewers = Viewer.objects.order_by("pk").values_list("pk", flat=True)
    histories = [to_model_events(selectors.history(viewer)) for viewer in viewers]
    expected = tokenise(Histories.from_events(histories), Vocab(again.movie_ids))
    for name, mine, theirs in zip(Tokens._fields, again.tokens(), expected, strict=True):
        np.testing.assert_array_equal(mine, theirs, err_msg=name)
    features = again.movie_features[again.movie_ids.tolist().index(STAR_WARS)]
    assert {"genre:Sci-Fi", "director:George Lucas", "actor:Carrie Fisher", "decade:1970"} <= set(features)


def test_the_first_model_that_beats_popularity_goes_live(ring):
    lease = new_lease(epochs=8)
    version = run_nightly(lease)

    assert version.status == ModelVersion.Status.ACTIVE, version.reason
    assert version.metrics["ndcg10"] > version.metrics["baselines"]["popularity"]["ndcg10"]
    assert version.metrics["gate"]["next_visit"]["ranked"].keys() == {"candidate", *POPULARITY, *LEARNED}
    assert len(version.history) == 8
    assert version.data_hash
    assert version.parameters > 0
    assert [line for line in lease.log_lines if line.startswith("Epoch 1 | Step ")]
    assert (settings.CHECKPOINT_DIR / "transformer_epoch8.pt").exists()
    assert (registry.folder(version.name) / NEIGHBOURS_FILE).exists()
    assert registry.ranker(version.name).neighbours.movie_ids.tolist() == list(
        Movie.objects.order_by("pk").values_list("pk", flat=True)
    )
    assert not (settings.CHECKPOINT_DIR / cleanup.SNAPSHOT_FOLDER).exists()


def test_a_nightly_job_starts_from_the_active_model_unless_it_may_not(ring):
    first = run_nightly(new_lease(epochs=8), estimate=counterfactual.gate_evidence)
    second = run_nightly(new_lease(epochs=1, warm=True), estimate=counterfactual.gate_evidence)

    assert "counterfactual" not in first.metrics["gate"], "there was no model to compare with"
    assert second.metrics["gate"]["counterfactual"]["reason"].startswith("0 drawn lists were seen")

    begun, ended = (registry.ranker(version.name).model.items.ids.weight for version in (first, second))
    assert second.status == ModelVersion.Status.ACTIVE, second.reason
    assert second.metrics["ndcg10"] > second.metrics["baselines"]["popularity"]["ndcg10"], "after one epoch"
    assert registry.ranker(second.name).metadata["parents"] == [first.name]
    assert registry.ranker(second.name).metadata["train"]["lr"] == pytest.approx(0.3e-3)
    assert torch.nn.functional.cosine_similarity(begun[1:], ended[1:]).mean() > 0.9
    services.erase_viewer(WatchEvent.objects.first().viewer_id)
    assert registry.ranker(run_nightly(new_lease(epochs=1, warm=True)).name).metadata["parents"] == [], (
        "someone was erased"
    )


def test_a_worse_model_stays_a_candidate_and_says_why(ring, monkeypatch):
    good = run_nightly(new_lease(epochs=8))
    monkeypatch.setattr(prior_tuning, "CANDIDATE_WEIGHTS", (0.0,))  # counting alone would tell the ring
    monkeypatch.setattr(ensemble_fitting, "MIN_VISITS", sys.maxsize)
    worse = run_nightly(new_lease(epochs=1))

    assert worse.status == ModelVersion.Status.CANDIDATE
    assert "NDCG@10" in worse.reason
    assert worse.metrics["active"]["name"] == good.name
    assert registry.active_name() == good.name
    registry.activate(worse.name, "an operator knows better")
    assert registry.active_name() == worse.name


def test_a_nightly_job_that_was_killed_gives_the_model_of_an_undisturbed_one(ring):
    undisturbed = run_nightly(new_lease(activate=False))
    lease = new_lease(activate=False)
    run_until(lease, "Epoch 3")
    Movie.objects.create(id=1, title="Came after the run began")
    Job.objects.filter(pk=lease.job_id).update(lease_until="2024-01-01T00:00Z")

    [job] = queue.requeue_lost()
    taken_up = leases.claim(job.pk)
    resumed = run_nightly(taken_up)

    assert "Resuming" in "".join(taken_up.log_lines)
    assert resumed.data_hash == undisturbed.data_hash, "the data of the run that it began"
    assert len(resumed.history) == 4
    assert resumed.metrics["ndcg10"] == undisturbed.metrics["ndcg10"]
    tables = [registry.ranker(version.name).vectors.items.numpy() for version in (undisturbed, resumed)]
    np.testing.assert_allclose(*tables, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("imported", [False, True])
def test_an_interrupted_run_is_resumed_on_the_same_data_only(ring, imported):
    interrupted = new_lease()
    interrupted.on_log = lambda line: _interrupt() if line.startswith("Epoch 2") else None
    with pytest.raises(KeyboardInterrupt), leases.running_lease(interrupted):
        nightly.run(interrupted)
    assert Job.objects.get().status == Job.Status.CANCELLED
    if imported:
        bump_epoch()

    lease = new_lease(resume=True)
    version = run_nightly(lease)

    assert any("Resuming" in line for line in lease.log_lines) is not imported
    assert len(version.history) == 4


def _interrupt():
    raise KeyboardInterrupt


def test_without_data_the_job_says_what_is_missing(transactional_db):
    lease = new_lease()
    nightly.run(lease)
    assert lease.result["version"] is None
    assert lease.result["reason"].startswith("not enough data yet: 100 more events")


def test_unknown_options_are_named(transactional_db):
    with pytest.raises(ValueError, match="speed"):
        nightly.run(new_lease(speed="fast"))


def test_an_older_model_of_other_films_is_measured_on_the_same_targets(model, cast, tmp_path):
    """Films that it does not know stand last; the others keep their order."""
    ranker = registry.ranker()
    more = Vocab(np.append(ranker.movie_ids, [7, 900_000]))
    histories = training_histories(tmp_path)
    tokens = tokenise(histories, more)
    targets = evaluate.leave_one_out(tokens).test

    popularity = DailyPopularity.from_tokens(tokens, len(more))
    scores = scorer_for_vocabulary(ranker, more, popularity)(tokens, targets)

    known = more.encode(ranker.movie_ids) - 1
    own = tokenise(histories, ranker.vocab)
    theirs = evaluate.leave_one_out(own).test
    np.testing.assert_allclose(scores[:, known], evaluate.ranker_scorer(ranker)(own, theirs), rtol=1e-4, atol=1e-5)
    unknown = np.setdiff1d(np.arange(len(more)), known)
    assert (scores[:, unknown].max(1) < scores[:, known].min(1)).all()


def test_a_models_metadata_says_how_it_was_trained(ring):
    version = run_nightly(new_lease(epochs=2, seed=5))
    card = json.loads((registry.folder(version.name) / "model.json").read_text())
    assert card["metrics"]["data"] == version.metrics["data"]
    assert card["train"]["seed"] == 5
