"""The parameters of a nightly job."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from recommender.ml.config import Preset, canonical_preset, change_fields, fit_to_size, get_preset, override
from recommender.ml.train import MIN_EPOCHS

WARM_EPOCH_SHARE, WARM_LR_SHARE = 0.25, 0.3  # shares of the preset's, for a warm start from the active model


@dataclass(frozen=True)
class NightlyOptions:
    """The parameters of a nightly job, as they are stored with it."""

    preset: str = "default"
    changes: Mapping[str, Any] = field(default_factory=dict)  # of the preset's fields
    epochs: int | None = None
    minutes: float | None = None  # the epochs are cut to what fits
    seed: int | None = None
    device: str = "auto"
    resume: bool = False  # the same preset's run that was interrupted on the same data, whichever job began it
    lists: bool = True
    activate: bool = True
    warm: bool = True  # start from the active model, if it is of the same preset and shape
    start_from: str | None = None  # the version that a warm start is from, in place of the active one
    arms: bool = True  # then train the models of experiments' arms
    of_experiment: int | None = None  # train the models of this experiment's arms, and nothing else

    def __post_init__(self) -> None:
        object.__setattr__(self, "preset", canonical_preset(self.preset))  # schedules may have a former name

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> "NightlyOptions":
        """Read a job's parameters. Raises ValueError for a name that is no option."""
        known = {option.name for option in fields(cls)}
        if unknown := set(parameters) - known:
            raise ValueError(f"Unknown options: {', '.join(sorted(unknown))}; there are: {', '.join(sorted(known))}.")
        return cls(**parameters)

    def to_preset(self, events: int, *, warm: bool = False) -> Preset:
        """Return the preset for so many events, with these options over it; for a warm start with fewer epochs and a
        lower rate.

        Raises ValueError for a preset or a field that does not exist.
        """
        base = change_fields(fit_to_size(get_preset(self.preset), events), self.changes)
        train: dict[str, Any] = {}
        if warm:
            epochs = max(MIN_EPOCHS, round(WARM_EPOCH_SHARE * base.train.epochs))
            train = {"epochs": epochs, "lr": WARM_LR_SHARE * base.train.lr}
        chosen = {"epochs": self.epochs, "seed": self.seed}
        train |= {name: value for name, value in chosen.items() if value is not None}
        return override(base, train=train)
