"""Path 3, nightly: train, judge, register; fill the lists under the new version; activate it.

A run's data, checkpoints and note lie in the checkpoint folder; there is one run at a time, held by the lease of its
job. A job that is taken up again goes on from its last checkpoint, or behind what its result says is done.

Under torchrun (recommender/ml/distributed.py) rank 0 does all of this, and the others `follow` it through the training.
"""

import json
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import torch
from django.conf import settings
from django.utils import timezone

from catalog import selectors
from recommender import registry, training_data
from recommender.jobs.leases import JobCannotRun, Lease, LeaseLost
from recommender.ml import distributed, evaluate, metrics
from recommender.ml.config import FORMAT, Preset, get_preset, override, parse_model_config
from recommender.ml.data import Tokens, tokenise
from recommender.ml.evaluate import Split
from recommender.ml.features import Features, build_features
from recommender.ml.model import TransformerRecModel
from recommender.ml.model_folder import load_model, save_model
from recommender.ml.prior_tuning import fit_prior
from recommender.ml.ranker import Ranker
from recommender.ml.train import MIN_EPOCHS, Step, Trainer, TrainingHooks, TrainingResult, pick_device
from recommender.ml.train import TrainingInterrupted as TrainingStopped
from recommender.ml.vocab import Vocab
from recommender.ml.warm_start import copy_matching_weights
from recommender.models import ModelVersion
from recommender.registry import artifacts
from recommender.registry.object_store import ObjectStoreUnavailable
from recommender.training import batch, cleanup, gate
from recommender.training import snapshot as dataset
from recommender.training.snapshot import Snapshot
from recommender.training_data import NotEnoughData

LOG_EVERY_STEPS = 100
WARM_EPOCH_SHARE, WARM_LR_SHARE = 0.25, 0.3  # shares of the preset's, for a model that goes on from the active one
MAX_WARM_STARTS = 6  # such models in a row; then one begins anew, so that nothing is carried along for ever
_TO_TRAIN, _TRAINED = 1, 0  # what rank 0 tells those that follow


@dataclass(frozen=True)
class NightlyOptions:
    """A job's parameters."""

    preset: str = "default"
    epochs: int | None = None
    minutes: float | None = None  # the epochs are cut to what fits
    seed: int | None = None
    device: str = "auto"
    resume: bool = False  # take up the same preset's run that was interrupted on the same data, whichever job began it
    lists: bool = True
    activate: bool = True
    warm: bool = True  # go on from the active model, if it is of the same preset and shape

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> "NightlyOptions":
        known = {field.name for field in fields(cls)}
        if unknown := set(parameters) - known:
            raise ValueError(f"Unknown options: {', '.join(sorted(unknown))}; there are: {', '.join(sorted(known))}.")
        return cls(**parameters)

    def to_preset(self, *, warm: bool = False) -> Preset:
        """Raises ValueError for a preset that does not exist."""
        train: dict[str, Any] = {}
        if warm:
            usual = get_preset(self.preset).train
            train = {"epochs": max(MIN_EPOCHS, round(WARM_EPOCH_SHARE * usual.epochs)), "lr": WARM_LR_SHARE * usual.lr}
        told = {"epochs": self.epochs, "seed": self.seed}
        train |= {name: value for name, value in told.items() if value is not None}
        return override(get_preset(self.preset), train=train)


def run(lease: Lease, request_helpers: Callable[[UUID, int], None] = batch.no_helpers) -> None:
    """A NIGHTLY job from where it stands. `call` as in `batch.run`."""
    options = NightlyOptions.from_parameters(lease.parameters)
    if "version" not in lease.result:
        try:
            lease.result |= _train(lease, options)
        except NotEnoughData as reason:  # a new site waits for its viewers: nothing failed
            distributed.broadcast_from_rank0(_TRAINED)
            lease.result |= {"version": None, "better": False, "reason": str(reason)}
        lease.save()
    else:
        distributed.broadcast_from_rank0(_TRAINED)
    name, better = lease.result["version"], lease.result["better"]
    if name is None:
        lease.log(lease.result["reason"])
        return
    lease.log(f"{name} {'passed every check' if better else 'stays a candidate'}: {lease.result['reason']}")
    goes_live = better and options.activate
    _upload(lease, needed=goes_live)
    serving = name if goes_live else registry.active_name()
    if options.lists and serving is not None:
        batch.fill_all(serving, lease, request_helpers)
    if goes_live:
        lease.report_progress("activation")
        registry.activate(name, lease.result["reason"])
        lease.log(f"{name} is active")


def _upload(lease: Lease, *, needed: bool) -> None:
    """Other machines find the version in the model store, where there is one. If it is gone, a version that goes live
    waits for it: the job is tried again. A candidate is uploaded by a later night."""
    try:
        for name in artifacts.upload_missing():
            lease.log(f"Uploaded {name} to {settings.MODELS_URL}")
    except ObjectStoreUnavailable as error:
        lease.log(f"Not uploaded, and kept on this machine: {error}")
        if needed:
            raise


def _ensure_active_available() -> None:
    """The model that the candidate is measured against and may go on from. Raises CannotRun where this code is older
    than it: what it would train, the others could not read."""
    name = registry.active_name()
    if name is None:
        return
    artifacts.fetch(name)
    if (written := artifacts.format_of(name) or 0) > FORMAT:
        words = f"The active model {name} has format {written}, this worker's code reads {FORMAT}"
        raise JobCannotRun(f"{words}: deploy the newer code here, then start the night again.")


def _train(lease: Lease, options: NightlyOptions) -> dict[str, Any]:
    """From the data to a registered version. Returns what the job's result tells of it."""
    clock = Stopwatch()
    _ensure_active_available()
    work = TrainingRun.resume(lease, options) or TrainingRun.start(lease, options)
    clock.lap("read")
    distributed.broadcast_from_rank0(_TO_TRAIN)
    trained = work.train(lease, options)
    clock.lap("train")
    lease.report_progress("evaluation")
    ranker, verdict = _evaluate(Ranker(trained.model, work.vocab, version=work.name), work)
    clock.lap("evaluate")
    figures = verdict.figures | {"held_out": work.holdout_description, "data": work.counts, "seconds": clock.laps}
    card: dict[str, Any] = {"metrics": figures, "preset": options.preset, "train": asdict(work.preset.train)}
    card |= {"parents": work.parents, "erasures": work.erasures, "data_set": work.data_set}
    lease.report_progress("saving")
    folder = save_model(registry.folder(work.name), trained.model, work.vocab, work.features, card, ranker.prior)
    registry.register(
        folder,
        preset=options.preset,
        parameters=sum(parameter.numel() for parameter in trained.model.parameters()),
        movies=len(work.vocab),
        metrics=figures,
        history=trained.history,
        data_hash=work.data_hash,
        data_set=work.data_set,
        reason=verdict.reason,
    )
    work.finish()
    told = {key: figures[key] for key in ("ndcg10", "hr10", "seconds", "data")}
    return told | {"version": work.name, "better": verdict.passed, "reason": verdict.reason}


def _evaluate(alone: Ranker, work: "TrainingRun") -> tuple[Ranker, gate.Verdict]:
    try:
        ranker = fit_prior(alone, work.tokens, work.held_out.ends, work.held_out.validation)
    except FloatingPointError as error:
        return alone, gate.reject_non_finite(error)
    return ranker, gate.judge(ranker, registry.ranker(), work.tokens, work.held_out, work.features)


def follow_rank0(parameters: Mapping[str, Any]) -> None:
    """What the other processes of a torchrun do: they train along, on the snapshot that rank 0 has written. They hold
    no lease and ask no database.
    """
    if distributed.broadcast_from_rank0(_TO_TRAIN) == _TO_TRAIN:
        options = NightlyOptions.from_parameters(parameters)
        note = json.loads((TrainingRun.folder() / "run.json").read_text())
        work = TrainingRun(note, options, Snapshot.load(TrainingRun.folder() / "snapshot.npz"), resumed=True)
        with suppress(TrainingStopped):
            work.trainer(options).run(resume=True, minutes=options.minutes)


class Stopwatch:
    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._since = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name], self._since = round(now - self._since, 2), now


class TrainingRun:
    """One run in the checkpoint folder: a note that says whose it is, the data it sees, its checkpoints."""

    def __init__(self, note: Mapping[str, Any], options: NightlyOptions, snapshot: Snapshot, *, resumed: bool) -> None:
        self.name: str = note["name"]
        self.parents: list[str] = note["parents"]  # versions that the model goes on from, the latest last
        self.erasures: int = note["erasures"]
        self.data_set: int = note["data_set"]
        self.resumed = resumed
        # Its events are too many to keep beside the tokens.
        self.counts, self.data_hash = snapshot.counts(), snapshot.content_hash()
        self.preset = options.to_preset(warm=bool(self.parents))
        self.vocab = Vocab(snapshot.movie_ids)
        films = dict(zip(snapshot.movie_ids.tolist(), snapshot.movie_features, strict=True))
        self.features: Features = build_features([films[film] for film in self.vocab.movie_ids.tolist()])
        self.tokens: Tokens = tokenise(snapshot.histories, self.vocab)
        self.held_out: Split
        self.held_out, self.holdout_description = gate.split_holdout(self.tokens, self.preset.train.seed)

    @staticmethod
    def folder() -> Path:
        return Path(settings.CHECKPOINT_DIR)

    @classmethod
    def resume(cls, lease: Lease, options: NightlyOptions) -> "TrainingRun | None":
        """The run that this job began; or the last one that was interrupted, if the options ask for it."""
        try:
            note = json.loads((cls.folder() / "run.json").read_text())
            same = (note["preset"], note["epoch"]) == (options.preset, selectors.catalogue_and_epoch()[1])
            if note["data_set"] != selectors.data_set():
                return None
            if note["job"] != str(lease.job_id) and not (options.resume and same):
                return None
            if note["erasures"] != selectors.erasure_count():
                lease.log("A viewer was erased since this run read the data: it begins anew, without them")
                return None
            snapshot = Snapshot.load(cls.folder() / "snapshot.npz")
        except (OSError, ValueError, KeyError):
            return None
        lease.log(f"Resuming {note['name']} from its last checkpoint")
        return cls(note, options, snapshot, resumed=True)

    @classmethod
    def start(cls, lease: Lease, options: NightlyOptions) -> "TrainingRun":
        options.to_preset()  # raises
        if missing := training_data.missing_events():
            raise NotEnoughData(f"not enough data yet: {training_data.missing_message(missing)}")
        if options.resume:
            lease.log("There is no checkpoint of this preset on this data to go on from: training begins anew")
        shutil.rmtree(cls.folder(), ignore_errors=True)
        cls.folder().mkdir(parents=True)
        lease.report_progress("reading")
        # Read first: an import in between makes this another data set, and so does an erasure.
        epoch, erasures, data_set = selectors.catalogue_and_epoch()[1], selectors.erasure_count(), selectors.data_set()
        (cls.folder() / cleanup.DATA_SET_FILE).write_text(str(data_set))
        snapshot = dataset.take_snapshot(cls.folder())
        counts = snapshot.counts()
        lease.log("Read {events:,} events of {viewers:,} viewers on {films:,} films".format(**counts))
        snapshot.save(cls.folder() / "snapshot.npz")
        name = _new_name(options.preset)
        note: dict[str, Any] = {"job": str(lease.job_id), "name": name, "preset": options.preset, "epoch": epoch}
        note |= {"erasures": erasures, "data_set": data_set, "parents": _warm_start_lineage(options, erasures)}
        if note["parents"]:
            lease.log(f"Going on from {note['parents'][-1]}")
        (cls.folder() / "run.json").write_text(json.dumps(note))
        work = cls(note, options, snapshot, resumed=False)
        if not (work.held_out.ends - work.tokens.indptr[:-1] > 1).any():
            raise NotEnoughData("not enough data yet: what is not held out for measuring has no film after another")
        return work

    def trainer(self, options: NightlyOptions) -> Trainer:
        torch.manual_seed(self.preset.train.seed)
        model = TransformerRecModel(len(self.vocab), self.preset.model, self.features)
        if self.parents:
            copy_matching_weights(model, self.vocab, self.features, load_model(registry.folder(self.parents[-1])))
        device = pick_device(options.device)
        return Trainer(model, self.tokens, self.held_out.ends, self.preset, checkpoints=self.folder(), device=device)

    def train(self, lease: Lease, options: NightlyOptions) -> TrainingResult:
        trainer = self.trainer(options)
        lease.log(f"Using device: {trainer.device}")
        reporter = Reporter(lease, self)
        progress = TrainingHooks(on_step=reporter.step, on_epoch=reporter.epoch)
        try:
            trained = trainer.run(progress, resume=self.resumed, minutes=options.minutes)
            reporter.log_checkpoint()
            return trained
        except TrainingStopped:
            lease.raise_if_lost()  # says why
            raise

    def finish(self) -> None:
        """The data is large and no longer needed; the checkpoints stay until the next run."""
        (self.folder() / "run.json").unlink(missing_ok=True)
        (self.folder() / "snapshot.npz").unlink(missing_ok=True)


def _new_name(shape: str) -> str:
    """By the second; two short nights may begin within one."""
    begun = timezone.now()
    while ModelVersion.objects.filter(name=(name := f"{shape}-{begun:%Y%m%d-%H%M%S}")).exists():
        begun += timedelta(seconds=1)
    return name


def _warm_start_lineage(options: NightlyOptions, erasures: int) -> list[str]:
    """The active model behind its own parents, where the next one may go on from it; else none. What has learned of a
    viewer who was erased since then is not gone on from."""
    active = registry.active_name() if options.warm else None
    ranker = registry.ranker(active) if active else None  # the gate will want it as well
    if ranker is None or ranker.version != active:
        return []
    card = ranker.metadata
    parents = [*card.get("parents", []), active]
    same = (card.get("preset"), card.get("erasures")) == (options.preset, erasures)
    same = same and parse_model_config(card["config"]) == get_preset(options.preset).model
    return parents if same and len(parents) <= MAX_WARM_STARTS else []


class Reporter:
    """What a training tells: the log lines of its steps, and figures on the validation viewers after each epoch."""

    def __init__(self, lease: Lease, work: TrainingRun) -> None:
        self.lease, self.work = lease, work
        self.ended = 0  # the epoch that has ended and whose checkpoint has not been told

    def step(self, step: Step) -> bool:
        """False stops the training, which saves its state first."""
        self.log_checkpoint()
        if step.step % LOG_EVERY_STEPS == 0 or step.step == step.steps:
            line = f"Epoch {step.epoch} | Step {step.step} | Loss: {step.loss:.4f} | Avg: {step.average:.4f}"
            self.lease.log(line)
        try:
            self.lease.report_progress("training", (step.epoch - 1) * step.steps + step.step, step.epochs * step.steps)
        except LeaseLost:
            return False
        return True

    def epoch(self, epoch: int, model: TransformerRecModel) -> dict[str, float]:
        ranker = Ranker(model, self.work.vocab)
        ranks = evaluate.rank_targets(self.work.tokens, self.work.held_out.validation, evaluate.ranker_scorer(ranker))
        figures = {"ndcg10": metrics.ndcg(ranks, 10), "hr10": metrics.hit_rate(ranks, 10)}
        self.lease.log(f"Epoch {epoch} | NDCG@10: {figures['ndcg10']:.4f} | HR@10: {figures['hr10']:.4f} (validation)")
        self.ended = epoch
        return figures

    def log_checkpoint(self) -> None:
        """The checkpoint is written after the epoch's figures are known."""
        path = self.work.folder() / f"transformer_epoch{self.ended}.pt"
        if self.ended and path.exists():
            self.lease.log(f"Saved checkpoint: {path.parent.name}/{path.name}")
        self.ended = 0
