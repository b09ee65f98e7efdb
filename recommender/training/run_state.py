"""One training run in the checkpoint folder: a note that says whose it is, the data that it reads, its checkpoints."""

import json
import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from django.conf import settings
from django.utils import timezone

from catalog import selectors
from catalog.plurals import count_noun
from recommender import registry, training_data
from recommender.jobs.leases import Lease
from recommender.ml import evaluate
from recommender.ml.config import canonical_preset, get_preset, parse_model_config
from recommender.ml.data import Tokens
from recommender.ml.epoch_selection import EpochSelection
from recommender.ml.evaluate import Split
from recommender.ml.features import Features, build_features
from recommender.ml.model import TransformerRecModel
from recommender.ml.model_folder import load_model
from recommender.ml.train import Trainer, pick_device
from recommender.ml.vocab import Vocab
from recommender.ml.warm_start import copy_matching_weights
from recommender.models import ModelVersion
from recommender.training import cleanup, gate
from recommender.training.evidence import describe_left_out
from recommender.training.options import NightlyOptions
from recommender.training.snapshot import Snapshot, take_snapshot
from recommender.training_data import NotEnoughData

MAX_WARM_STARTS = 6  # in a row; then a model is trained from scratch, so that nothing is carried along for ever


class TrainingRun:
    """A run's data, split and tokens, and the name that its model will have."""

    def __init__(self, note: Mapping[str, Any], options: NightlyOptions, snapshot: Snapshot, *, resumed: bool) -> None:
        """`note`: as `start` wrote it to run.json."""
        self.name: str = note["name"]
        self.parents: list[str] = note["parents"]  # versions that the model was started from, the latest last
        self.erasures: int = note["erasures"]
        self.data_set: int = note["data_set"]
        self.resumed = resumed
        self.counts, self.left_out, self.data_hash = snapshot.counts, snapshot.left_out, snapshot.data_hash
        self.preset = options.to_preset(self.counts["events"], warm=bool(self.parents))
        self.vocab = Vocab(snapshot.movie_ids)
        features = dict(zip(snapshot.movie_ids.tolist(), snapshot.movie_features, strict=True))
        self.features: Features = build_features([features[movie] for movie in self.vocab.movie_ids.tolist()])
        self.tokens: Tokens = snapshot.tokens()
        self.held_out: Split
        self.held_out, self.holdout_description = gate.split_holdout(self.tokens, self.preset.train.seed)

    @staticmethod
    def folder() -> Path:
        """Return the checkpoint folder."""
        return Path(settings.CHECKPOINT_DIR)

    @classmethod
    def load(cls, options: NightlyOptions) -> "TrainingRun":
        """Read the run that the folder holds. Raises OSError, ValueError or KeyError where there is none."""
        note = json.loads((cls.folder() / "run.json").read_text())
        return cls(note, options, Snapshot.load(cls.folder() / cleanup.SNAPSHOT_FOLDER), resumed=True)

    @classmethod
    def resume(cls, lease: Lease, options: NightlyOptions) -> "TrainingRun | None":
        """Return the run that this job began, or the last one that was interrupted if the options ask for it.

        None where there is none, or where its data is no longer what may be trained on.
        """
        try:
            note = json.loads((cls.folder() / "run.json").read_text())
            same_recipe = (canonical_preset(note["preset"]), note["changes"]) == (options.preset, options.changes)
            same_data = note["data_set"] == selectors.data_set()
            may_resume = options.resume and note["epoch"] == selectors.catalogue_and_epoch()[1]
            if not (same_recipe and same_data and (note["job"] == str(lease.job_id) or may_resume)):
                return None
            if note["erasures"] != selectors.erasure_count():
                lease.log("A viewer was erased since this run read the data: it begins anew, without them")
                return None
            snapshot = Snapshot.load(cls.folder() / cleanup.SNAPSHOT_FOLDER)
        except (OSError, ValueError, KeyError):
            return None
        lease.log(f"Resuming {note['name']} from its last checkpoint")
        return cls(note, options, snapshot, resumed=True)

    @classmethod
    def start(cls, lease: Lease, options: NightlyOptions) -> "TrainingRun":
        """Read the data into an empty folder. Raises NotEnoughData, and ValueError for an unknown preset."""
        get_preset(options.preset)  # raises for an unknown one, before anything is deleted
        if missing := training_data.missing_events():
            raise NotEnoughData(f"not enough data yet: {training_data.missing_message(missing)}")
        if options.resume:
            lease.log("There is no checkpoint of this preset on this data to go on from: training begins anew")
        shutil.rmtree(cls.folder(), ignore_errors=True)
        cls.folder().mkdir(parents=True)
        lease.report_progress("reading")
        # Before the data: an import in between makes this another data set, and so does an erasure.
        epoch, erasures, data_set = selectors.catalogue_and_epoch()[1], selectors.erasure_count(), selectors.data_set()
        (cls.folder() / cleanup.DATA_SET_FILE).write_text(str(data_set))
        viewers = selectors.viewer_count()
        snapshot = take_snapshot(
            cls.folder() / cleanup.SNAPSHOT_FOLDER,
            lambda done: lease.report_progress("reading", done, viewers),
            lease.log,
        )
        counts = snapshot.counts
        events, seen_by, films = (count_noun(counts[f"{noun}s"], noun) for noun in ("event", "viewer", "film"))
        lease.log(f"Read {events} of {seen_by} on {films}")
        if snapshot.left_out:
            lease.log(f"Training on {describe_left_out(snapshot.left_out)}")
        name = _new_name(options.preset)
        note: dict[str, Any] = {"job": str(lease.job_id), "name": name, "preset": options.preset, "epoch": epoch}
        note["changes"] = dict(options.changes)
        note |= {
            "erasures": erasures,
            "data_set": data_set,
            "parents": _warm_start_lineage(options, counts["events"], erasures),
        }
        if note["parents"]:
            lease.log(f"Going on from {note['parents'][-1]}")
        (cls.folder() / "run.json").write_text(json.dumps(note))
        run = cls(note, options, snapshot, resumed=False)
        if snapshot.left_out and not counts["viewers"]:
            raise NotEnoughData(f"nothing trains: {describe_left_out(snapshot.left_out)}")
        if not (run.held_out.ends - run.tokens.indptr[:-1] > 1).any():
            raise NotEnoughData("not enough data yet: what is not held out for measuring has no film after another")
        return run

    def trainer(self, options: NightlyOptions) -> Trainer:
        """Return a trainer of a new model, or of one that starts from the weights of the last parent."""
        torch.manual_seed(self.preset.train.seed)
        model = TransformerRecModel(len(self.vocab), self.preset.model, self.features)
        if self.parents:
            copy_matching_weights(model, self.vocab, self.features, load_model(registry.folder(self.parents[-1])))
        device = pick_device(options.device)
        return Trainer(model, self.tokens, self.held_out.ends, self.preset, checkpoints=self.folder(), device=device)

    def epoch_selection(self) -> EpochSelection:
        """Return the selection of the epoch on the validation's visits, with the checkpoints of an interrupted run."""
        visits = evaluate.validation_visits(self.tokens, self.held_out)
        return EpochSelection(self.tokens, self.vocab, visits, self.preset, self.folder())

    def finish(self) -> None:
        """Delete the data, which is large and no longer needed; the checkpoints stay until the next run."""
        (self.folder() / "run.json").unlink(missing_ok=True)
        shutil.rmtree(self.folder() / cleanup.SNAPSHOT_FOLDER, ignore_errors=True)


def _new_name(preset: str) -> str:
    """Return a version's name by the second that no other has; two short runs may begin within one."""
    started_at = timezone.now()
    while ModelVersion.objects.filter(name=(name := f"{preset}-{started_at:%Y%m%d-%H%M%S}")).exists():
        started_at += timedelta(seconds=1)
    return name


def _warm_start_lineage(options: NightlyOptions, events: int, erasures: int) -> list[str]:
    """Return the model that the next one may start from behind its own parents; else none.

    A model that has learned of a viewer who was erased since then is not started from.
    """
    before = (options.start_from or registry.active_name()) if options.warm else None
    ranker = registry.ranker(before) if before else None  # the gate needs the active one as well
    if ranker is None or ranker.version != before:
        return []
    metadata = ranker.metadata
    parents = [*metadata.get("parents", []), before]
    same = (canonical_preset(metadata.get("preset", "")), metadata.get("erasures")) == (options.preset, erasures)
    same = same and parse_model_config(metadata["config"]) == options.to_preset(events).model
    return parents if same and len(parents) <= MAX_WARM_STARTS else []
