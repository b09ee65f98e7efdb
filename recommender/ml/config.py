"""What a model is and how it is trained: two frozen dataclasses and the named presets."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, NamedTuple

FORMAT = 5  # of a model folder: raised when its files are named or mean something else
MANIFEST_FILE = "manifest.json"
GAP_BUCKETS = 63  # 0 for equal seconds, then one for every factor of e^0.301 = 1.35 up to about 4 years
GAP_UNKNOWN = GAP_BUCKETS  # the history has its times, the request time is not given
GAP_NONE = GAP_BUCKETS + 1  # no times at all
NUM_STARS = 11  # 0 for no rating, 1..10 for half stars


@dataclass(frozen=True)
class ModelConfig:
    """The shape of a model. Field names are stored in `model.json`: a new name needs a new FORMAT."""

    d_model: int = 64
    layers: int = 4
    d_item: int = 128  # width of the item vectors; 0: d_model, without a head between
    heads: int = 2
    recent: int = 4  # tokens that a gated block mixes before it attends; 0: none
    max_len: int = 50  # films of the sequence that the encoder reads
    taste_len: int = 50  # rows of the long-term taste profile; 0: none
    dropout: float = 0.2
    block: Literal["gated", "softmax"] = "gated"
    ffn: int = 0  # hidden width of the block's feed-forward part, in multiples of d_model; 0: none
    temporal: bool = True  # read the gaps between watches
    stars: bool = True  # read the ratings
    metadata: bool = True  # an item vector has a part that comes from genres, people and year
    temperature: float = 0.05  # of the cosine between viewer and film; 0: plain dot product
    use_mlp_scorer: bool = False


@dataclass(frozen=True)
class TrainConfig:
    """How a model is trained. Field names are stored in checkpoints and results."""

    epochs: int = 26
    max_steps: int = 0  # of an epoch, which sees other histories each time; 0: all
    batch_positions: int = 4000  # positions of a batch, padding included
    lr: float = 5e-3
    warmup_steps: int = 100
    final_lr: float = 0.05  # share of lr that is left at the end of the cosine
    weight_decay: float = 0.0
    clip_norm: float = 1.0
    negatives: int = 0  # films shared as negatives by a batch; 0: every film (full softmax)
    spare_seen: bool = True  # films that the viewer has seen are nobody's negatives
    forget_times: float = 0.2  # share of sequences that train without any times
    forget_request: float = 0.3  # share of positions that train without the request time
    forget_stars: float = 0.3  # share of sequences that train without ratings
    forget_id: float = 0.1  # share of films whose vector is their metadata alone, by step
    bf16: bool = True  # the loss's products, where that is faster on the device
    seed: int = 1


@dataclass(frozen=True)
class Preset:
    """A model's shape with its training, under a name in PRESETS."""

    model: ModelConfig
    train: TrainConfig
    by_size: bool = False  # epochs and dropout are those of a million events, others follow by `fit_to_size`


# Softmax blocks that read films and their order alone, scored by the dot product.
_PLAIN = ModelConfig(
    d_model=128, d_item=0, recent=0, block="softmax", temporal=False, stars=False, metadata=False, temperature=0.0
)

PRESETS: Mapping[str, Preset] = {
    "default": Preset(ModelConfig(), TrainConfig(), by_size=True),
    # SASRec with a full softmax ("SASRec+"), as tuned for a split by time by time-to-split: what P2 is compared with.
    "sasrec": Preset(
        replace(_PLAIN, layers=3, heads=1, max_len=128, taste_len=0, dropout=0.3, ffn=1),
        TrainConfig(lr=1e-3, batch_positions=8000, epochs=40, spare_seen=False),
    ),
    # A plain transformer: 2 layers, 4 heads, the last 50 films, 3 epochs of 256 targets a step.
    "basic": Preset(
        replace(_PLAIN, layers=2, heads=4, max_len=50, taste_len=50, ffn=4),
        TrainConfig(epochs=3, batch_positions=256, lr=1e-3, negatives=1024, spare_seen=False),
    ),
}
PRESET_ALIASES = {"brief": "basic"}  # names that schedules, model versions and results of former versions have

MIN_STEPS, MIN_POSITIONS = 64, 512  # steps of an epoch; positions of a batch
STEPS = 6_500  # of a training; it takes about as many whatever the size of the data
MIN_EPOCHS_BY_SIZE, MAX_EPOCHS_BY_SIZE = 6, 80
SMALL, SMALL_DROPOUT = 400_000, 0.3  # events: fewer are learned by heart sooner

MAX_FULL_SOFTMAX_ITEMS = 12_000  # films; beyond it the full softmax costs more than it gives


def canonical_preset(name: str) -> str:
    """Return today's name of a preset; other names stay as they are."""
    return PRESET_ALIASES.get(name, name)


def get_preset(name: str) -> Preset:
    """Return the preset of that name. Raises `ValueError` that lists the presets."""
    try:
        return PRESETS[canonical_preset(name)]
    except KeyError:
        raise ValueError(f"There is no preset {name!r}; there are: {', '.join(PRESETS)}.") from None


def fit_to_size(preset: Preset, events: int) -> Preset:
    """Return the preset as so many training events need it. Few make short epochs, so there are more of them."""
    if not preset.by_size:
        return preset
    steps = events / batch_positions(preset.train, events)  # of an epoch
    epochs = min(MAX_EPOCHS_BY_SIZE, max(MIN_EPOCHS_BY_SIZE, round(STEPS / max(1.0, steps))))
    dropout = SMALL_DROPOUT if events < SMALL else preset.model.dropout
    return override(preset, model={"dropout": dropout}, train={"epochs": epochs})


def batch_positions(config: TrainConfig, events: int) -> int:
    """Return how many positions a batch has where so many events train: an epoch of a few steps would learn little."""
    return min(config.batch_positions, max(MIN_POSITIONS, events // MIN_STEPS))


def parse_model_config(stored: Mapping[str, Any]) -> ModelConfig:
    """Return the `ModelConfig` of a stored JSON object. Raises `ValueError` for unknown keys: the weights may depend on
    them."""
    known = {field.name for field in fields(ModelConfig)}
    if unknown := set(stored) - known:
        raise ValueError(f"The model's config has unknown keys: {', '.join(sorted(unknown))}.")
    return ModelConfig(**stored)


def to_json(config: ModelConfig | TrainConfig) -> dict[str, Any]:
    """Return the fields as a JSON object."""
    return asdict(config)


# What may be changed of a preset by name, with the least and the largest value: a model of any size could be asked for.
CHANGEABLE: Mapping[str, tuple[float, float]] = {
    "d_model": (8, 512),
    "layers": (1, 12),
    "d_item": (0, 512),
    "heads": (1, 16),
    "max_len": (2, 500),
    "taste_len": (0, 500),
    "dropout": (0.0, 0.9),
    "use_mlp_scorer": (False, True),
    "epochs": (1, 200),
    "max_steps": (0, 1_000_000),
    "lr": (1e-5, 0.1),
    "negatives": (0, 100_000),
}


class Recipe(NamedTuple):
    """A preset with changed fields."""

    preset: str
    changes: Mapping[str, Any]


def parse_recipe(text: str) -> Recipe:
    """Return the recipe of a text as in `default max_len=100`. Raises `ValueError` that says what may stand there."""
    name, *pairs = text.split() or [""]
    preset, changes = get_preset(name), dict(map(_parse_change, pairs))
    model = change_fields(preset, changes).model
    if model.d_model % model.heads:
        raise ValueError(f"d_model={model.d_model} cannot be shared by {model.heads} heads: choose a multiple of them.")
    return Recipe(canonical_preset(name), changes)


def _parse_change(pair: str) -> tuple[str, Any]:
    name, equals, text = pair.partition("=")
    if not equals or name not in CHANGEABLE:
        raise ValueError(f"{pair!r} changes nothing: write FIELD=VALUE; the fields are {', '.join(CHANGEABLE)}.")
    try:
        value = json.loads(text.lower())
    except ValueError:
        value = None
    default = (asdict(ModelConfig()) | asdict(TrainConfig()))[name]
    kinds = (int, float) if isinstance(default, float) else (type(default),)
    least, largest = CHANGEABLE[name]
    if type(value) not in kinds or not least <= value <= largest:  # NaN is in no range
        raise ValueError(f"{pair!r}: {name} is {json.dumps(least)} to {json.dumps(largest)}.")
    return name, value


def change_fields(base: Preset, changes: Mapping[str, Any]) -> Preset:
    """Return the preset with these fields of its model or its training replaced. Raises `ValueError` for others."""
    model = {name: value for name, value in changes.items() if hasattr(base.model, name)}
    train = {name: value for name, value in changes.items() if hasattr(base.train, name)}
    if unknown := changes.keys() - model.keys() - train.keys():
        raise ValueError(f"There is no field {', '.join(sorted(unknown))}.")
    return override(base, model=model, train=train)


def override(base: Preset, *, model: Mapping[str, Any] | None = None, train: Mapping[str, Any] | None = None) -> Preset:
    """Return the preset `base` with some fields replaced."""
    return replace(base, model=replace(base.model, **(model or {})), train=replace(base.train, **(train or {})))
