"""Viewers who follow what is new: most of them watch the film of the day."""

import numpy as np
import torch

from recommender.ml.config import PRESETS, override
from recommender.ml.data import RATING, Events, Histories, Tokens, tokenise
from recommender.ml.features import build_features
from recommender.ml.model import TransformerRecModel
from recommender.ml.popularity import DAY, DailyPopularity
from recommender.ml.ranker import Ranker
from recommender.ml.visits import Visits
from recommender.ml.vocab import Vocab

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
_VIEWER_OF_TOKEN = np.repeat(np.arange(VIEWERS), TOKENS.lengths())
ENDS = TOKENS.indptr[:-1] + np.bincount(_VIEWER_OF_TOKEN[TOKENS.times <= CUT], minlength=VIEWERS)
_LATER = np.flatnonzero(TOKENS.times > CUT)
VALIDATION, TEST = (
    Visits(_VIEWER_OF_TOKEN[rows], rows, rows + 1) for rows in (_LATER[_LATER % 2 == 0], _LATER[_LATER % 2 == 1])
)
POPULARITY = DailyPopularity.from_tokens(TOKENS, MOVIES)


def untrained(**fields) -> Ranker:
    """Return a ranker whose model learned nothing."""
    torch.manual_seed(3)
    model = TransformerRecModel(MOVIES, override(PRESETS["default"], model=fields).model, FEATURES)
    return Ranker(model, VOCAB, feature_names=FEATURES.names)
