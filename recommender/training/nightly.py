"""The nightly job: train, evaluate, register; fill the lists under the new version; activate it.

A run's data, checkpoints and note lie in the checkpoint folder; there is one run at a time, held by the lease of its
job. A job that is claimed again goes on from its last checkpoint, or behind what its result says is done.

Under torchrun (recommender/ml/distributed.py) rank 0 does all of this, and the other ranks follow it in the training.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from typing import Any, NamedTuple

from django.conf import settings

from recommender import registry
from recommender.experiments import arm_models
from recommender.jobs.leases import JobCannotRun, Lease
from recommender.ml import distributed, evaluate
from recommender.ml.config import FORMAT, parse_recipe
from recommender.ml.ease import ItemWeights
from recommender.ml.ensemble_fitting import fit_ensemble
from recommender.ml.model_folder import save_model
from recommender.ml.new_film_fitting import fit_new_film_term
from recommender.ml.popularity import DailyPopularity
from recommender.ml.prior_tuning import fit_prior
from recommender.ml.ranker import Ranker
from recommender.ml.train import TrainingHooks, TrainingInterrupted, TrainingResult
from recommender.ml.training_tokens import TrainingTokens
from recommender.models import ModelVersion
from recommender.registry import artifacts
from recommender.registry.object_store import ObjectStoreUnavailable
from recommender.training import batch, gate
from recommender.training.neighbours import make_neighbours
from recommender.training.options import NightlyOptions
from recommender.training.reporter import Reporter
from recommender.training.run_state import TrainingRun
from recommender.training_data import NotEnoughData

Estimate = Callable[[str], Mapping[str, Any]]  # says what would have come of a version's lists, by its name


def no_estimate(name: str) -> Mapping[str, Any]:
    """Say nothing."""
    return {}


class Outcome(NamedTuple):
    """What a training came to, as it is stored in the job's result."""

    version: str | None  # None: there was not enough data
    passed: bool
    reason: str

    @classmethod
    def from_result(cls, result: Mapping[str, Any]) -> "Outcome | None":
        """Read a job's result; None before the training has ended."""
        return cls(result["version"], result["better"], result["reason"]) if "version" in result else None

    def as_result(self) -> dict[str, Any]:
        """Return the outcome under the names that a job's result has for it."""
        return {"version": self.version, "better": self.passed, "reason": self.reason}


def run(
    lease: Lease,
    request_helpers: batch.RequestHelpers = batch.no_helpers,
    prepare_pages: batch.PreparePages = batch.no_pages,
    estimate: Estimate = no_estimate,
) -> None:
    """Run a NIGHTLY job from where it stands: first the model that may go live, then those of experiments' arms.

    `request_helpers` and `prepare_pages` as in `batch.run`; what `estimate` says stands in the gate's evidence.
    """
    options = NightlyOptions.from_parameters(lease.parameters)
    if options.of_experiment is None:
        recipe = None if "preset" in lease.parameters else arm_models.shipped_recipe()
        own = options if recipe is None else replace(options, **recipe._asdict())
        _replace_active(lease, own, request_helpers, prepare_pages, estimate)
    if options.arms:
        _train_arms(lease, options)
    distributed.broadcast_object()  # nothing more to train


def _replace_active(
    lease: Lease,
    options: NightlyOptions,
    request_helpers: batch.RequestHelpers,
    prepare_pages: batch.PreparePages,
    estimate: Estimate,
) -> None:
    """Train a model, and have it go live with its lists if it passes the gate."""
    outcome = Outcome.from_result(lease.result)
    if outcome is None:
        try:
            outcome, figures = _train_and_register(lease, options)
        except NotEnoughData as reason:  # a new site waits for its viewers: nothing failed
            outcome, figures = Outcome(None, False, str(reason)), {}
        lease.result |= figures | outcome.as_result()
        lease.save()
        if outcome.version is not None and registry.active_name() is not None:
            _add_evidence(outcome.version, estimate(outcome.version))
    if outcome.version is None:
        lease.log(outcome.reason)
        return
    verdict = "passed every check" if outcome.passed else "stays a candidate"
    lease.log(f"{outcome.version} {verdict}: {outcome.reason}")
    goes_live = outcome.passed and options.activate
    _upload(lease, required=goes_live)
    serving = outcome.version if goes_live else registry.active_name()
    if options.lists and serving is not None:
        batch.fill_all(serving, lease, request_helpers)
    if goes_live:
        lease.report_progress("activation")
        registry.activate(outcome.version, outcome.reason)
        lease.log(f"{outcome.version} is active")
    if options.lists and serving is not None:
        prepare_pages(lease)


def _train_arms(lease: Lease, options: NightlyOptions) -> None:
    """Train a model for each arm that has a recipe; one that passes the gate serves the arm. It is trained on from the
    arm's own model before it, and compared with the active one."""
    arms = arm_models.arms_to_train(options.of_experiment)
    done = lease.result.setdefault("arms", {}) if arms else {}
    for arm in arms:
        title = f"{arm.experiment}, {arm}"
        outcome = Outcome.from_result(done.get(str(arm.pk), {}))
        if outcome is None:
            lease.log(f"{title}: {arm.recipe}")
            recipe = parse_recipe(arm.recipe)
            own = replace(options, **recipe._asdict(), epochs=None, start_from=arm.model or None)
            try:
                outcome, _ = _train_and_register(lease, own)
            except NotEnoughData as reason:
                outcome = Outcome(None, False, str(reason))
            done[str(arm.pk)] = outcome.as_result()
            lease.save()
        if outcome.passed and outcome.version is not None:
            _upload(lease, required=True)
            arm_models.set_model(arm.pk, outcome.version)
        lease.log(f"{title}: {outcome.version or 'no model'}, {outcome.reason}")


def follow_rank0() -> None:
    """Train along on the snapshots that rank 0 has written, in the other processes of a torchrun, until it has no more.

    They hold no lease and ask no database.
    """
    options: NightlyOptions | None
    with suppress(TrainingInterrupted):
        while (options := distributed.broadcast_object()) is not None:
            TrainingRun.load(options).trainer(options).run(resume=True, minutes=options.minutes)


def _train_and_register(lease: Lease, options: NightlyOptions) -> tuple[Outcome, dict[str, Any]]:
    """Go from the data to a registered version. Returns its outcome, and the figures that the job's result shows."""
    stopwatch = Stopwatch()
    _ensure_active_available()
    training_run = TrainingRun.resume(lease, options) or TrainingRun.start(lease, options)
    stopwatch.lap("read")
    distributed.broadcast_object(options)
    trained = _train(lease, training_run, options)
    stopwatch.lap("train")
    lease.report_progress("evaluation")
    ranker, verdict = _evaluate(Ranker(trained.model, training_run.vocab, version=training_run.name), training_run)
    stopwatch.lap("evaluate")
    figures = verdict.figures | {
        "held_out": training_run.holdout_description,
        "data": training_run.counts,
        "left_out": training_run.left_out,
        "seconds": stopwatch.laps,
    }
    metadata: dict[str, Any] = {
        "metrics": figures,
        "preset": options.preset,
        "changes": dict(options.changes),
        "train": asdict(training_run.preset.train),
    }
    metadata |= {"parents": training_run.parents, "erasures": training_run.erasures, "data_set": training_run.data_set}
    neighbours = make_neighbours(
        training_run.tokens, training_run.vocab.movie_ids, partial(lease.report_progress, "neighbours")
    )
    stopwatch.lap("neighbours")
    lease.report_progress("saving")
    folder = save_model(
        registry.folder(training_run.name),
        trained.model,
        training_run.vocab,
        training_run.features,
        metadata,
        ranker.prior,
        ranker.ensemble,
        ranker.new_film_term,
        neighbours,
    )
    registry.register(
        folder,
        preset=options.preset,
        parameters=sum(parameter.numel() for parameter in trained.model.parameters()),
        movies=len(training_run.vocab),
        metrics=figures,
        history=trained.history,
        data_hash=training_run.data_hash,
        data_set=training_run.data_set,
        reason=verdict.reason,
    )
    training_run.finish()
    summary = {key: figures[key] for key in ("ndcg10", "hr10", "seconds", "data")}
    return Outcome(training_run.name, verdict.passed, verdict.reason), summary


def _add_evidence(name: str, counterfactual: Mapping[str, Any]) -> None:
    """Put what would have come of a version's lists into the gate's evidence."""
    version = ModelVersion.objects.get(name=name)
    version.metrics.setdefault("gate", {})["counterfactual"] = dict(counterfactual)
    version.save(update_fields=["metrics"])


def _ensure_active_available() -> None:
    """Fetch the active model, which the candidate is compared with and may start from.

    Raises JobCannotRun where this code is older than it: other processes could not read what it would train.
    """
    name = registry.active_name()
    if name is None:
        return
    artifacts.fetch(name)
    if (written_as := artifacts.format_of(name) or 0) > FORMAT:
        message = f"The active model {name} has format {written_as}, this worker's code reads {FORMAT}"
        raise JobCannotRun(f"{message}: deploy the newer code here, then start the nightly job again.")


def _train(lease: Lease, training_run: TrainingRun, options: NightlyOptions) -> TrainingResult:
    trainer = training_run.trainer(options)
    lease.log(f"Using device: {trainer.device}")
    reporter = Reporter(lease, training_run.epoch_selection(), training_run.folder())
    hooks = TrainingHooks(reporter.on_step, reporter.on_epoch, reporter.selection.is_finished, reporter.on_end)
    try:
        trained = trainer.run(hooks, resume=training_run.resumed, minutes=options.minutes)
        reporter.log_checkpoint()
        return trained
    except TrainingInterrupted:
        lease.raise_if_lost()  # says why
        raise


def _evaluate(alone: Ranker, training_run: TrainingRun) -> tuple[Ranker, gate.Verdict]:
    """Fit the prior and the ensemble, then compare with the baselines and the active model."""
    tokens, held_out = training_run.tokens, training_run.held_out
    popularity = DailyPopularity.from_tokens(tokens, len(training_run.vocab))
    ease = ItemWeights.from_training(TrainingTokens(tokens, held_out.ends, len(training_run.vocab)))
    try:
        ranker = fit_prior(alone, tokens, held_out.ends, held_out.validation, ease)
        visits = evaluate.validation_visits(tokens, held_out)
        ranker = fit_ensemble(ranker, tokens, held_out.ends, visits, popularity, ease)
        ranker = fit_new_film_term(ranker, tokens, held_out.ends, held_out.validation, popularity)
    except FloatingPointError as error:
        return alone, gate.reject_non_finite(error)
    return ranker, gate.judge(ranker, registry.ranker(), tokens, held_out, training_run.features, popularity)


def _upload(lease: Lease, *, required: bool) -> None:
    """Upload to the model store, where there is one, what other machines may need.

    If the store is away, a version that goes live (`required`) waits for it: the job is tried again. A candidate is
    uploaded by a later nightly job.
    """
    try:
        for name in artifacts.upload_missing():
            lease.log(f"Uploaded {name} to {settings.MODELS_URL}")
    except ObjectStoreUnavailable as error:
        lease.log(f"Not uploaded, and kept on this machine: {error}")
        if required:
            raise


class Stopwatch:
    """Measures how long each part of a run takes."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}  # seconds by part
        self._since = time.monotonic()

    def lap(self, name: str) -> None:
        """Note the seconds since the last call under this name."""
        now = time.monotonic()
        self.laps[name], self._since = round(now - self._since, 2), now
