"""A loaded model that ranks: histories to viewers' states, states to lists."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from recommender.ml.batches import bucket_by_length, collate, last_windows
from recommender.ml.cold_items import ColdItems
from recommender.ml.data import Events, Histories, Tokens, tokenise
from recommender.ml.features import to_csr
from recommender.ml.item_vectors import ItemVectors
from recommender.ml.model import TransformerRecModel
from recommender.ml.model_folder import load_model
from recommender.ml.shortlist import MAX_VIEWERS
from recommender.ml.transition_prior import TransitionPrior
from recommender.ml.transitions import WINDOW, last_items
from recommender.ml.vocab import Vocab

MLP_CANDIDATES = 1000  # the dot product's best that the MLP scorer ranks again
SHORTLIST_MARGIN = 100  # films of a shortlist beyond twice the list
MAX_ENCODE_POSITIONS = (
    1_600  # padded positions that are encoded at a time: what they need stays in the processor's cache
)


class Ranker:
    """Answers for one version of the model. Safe for several threads: nothing changes after the start."""

    def __init__(
        self,
        model: TransformerRecModel,
        vocab: Vocab,
        prior: TransitionPrior | None = None,
        *,
        vectors: ItemVectors | None = None,
        feature_names: Sequence[str] = (),
        version: str = "",
        metadata: Any = None,
    ) -> None:
        """`vectors` are the model's where they are at hand; without `feature_names` there are no newcomers."""
        self.model, self.vocab, self.version, self.metadata = model.eval(), vocab, version, metadata or {}
        self.feature_names = feature_names
        self.device = next(model.parameters()).device
        self.prior = prior.to(self.device) if prior is not None and prior.is_enabled else None
        with torch.inference_mode():
            vectors = vectors or ItemVectors.from_table(model.items().detach(), cosine=bool(self.config.temperature))
            self.position_bias = model.static_bias()
        self.vectors = vectors.to(self.device)
        self.width = self.vectors.table.shape[1]

    @property
    def movie_ids(self) -> np.ndarray:
        """The vocabulary, int32 [N], ascending."""
        return self.vocab.movie_ids

    @property
    def config(self) -> Any:
        return self.model.config

    @property
    def metrics(self) -> dict[str, Any]:
        return dict(self.metadata.get("metrics", {}))

    @property
    def is_finite(self) -> bool:
        """Whether all of its weights are finite numbers."""
        return all(bool(parameter.isfinite().all()) for parameter in self.model.parameters())

    @property
    def state_size(self) -> int:
        """The viewer's vector; where there is a prior, the last films too, as numbers that float32 holds exactly."""
        return self.width + (WINDOW if self.prior else 0)

    def columns_of(self, movie_ids: np.ndarray | Sequence[int]) -> np.ndarray:
        """Columns of the films in `movie_ids`, int64 [n]; -1 where the model does not know the film."""
        return self.vocab.encode(np.asarray(movie_ids, np.int64)) - 1

    def encode(self, histories: Sequence[Events], requested_at: Sequence[int | None] | None = None) -> np.ndarray:
        """Viewers' states, float32 [B, S], asked at unix seconds `at` (None: unknown). Bytes of a row can be cached."""
        tokens = tokenise(Histories.from_events(histories), self.vocab)
        asked = (
            np.array([-1 if moment is None else moment for moment in requested_at], np.int64)
            if requested_at is not None
            else None
        )
        viewers = np.arange(len(histories))
        return self.encode_tokens(tokens, viewers, tokens.indptr[1:], asked)

    def encode_tokens(
        self, tokens: Tokens, viewers: np.ndarray, stops: np.ndarray, requested_at: np.ndarray | None = None
    ) -> np.ndarray:
        """States, float32 [B, S], of `viewers` [B] after the tokens before row `stops` [B]."""
        windows = last_windows(tokens, viewers, stops, self.model.config.max_len)
        states = np.empty((len(viewers), self.state_size), np.float32)
        with torch.inference_mode():
            for rows in bucket_by_length(windows, MAX_ENCODE_POSITIONS):
                asked = None if requested_at is None else requested_at[rows]
                batch = collate(tokens, windows.select(rows), self.model.config, asked).to(self.device)
                users = self.model.user_vectors(batch, self.vectors.table, self.position_bias)
                states[rows, : self.width] = users.float().cpu().numpy()
        if self.prior:
            states[:, self.width :] = last_items(tokens, viewers, stops)
        return states

    def scores(self, states: np.ndarray, exclude: Sequence[np.ndarray] | None = None) -> np.ndarray:
        """Scores of all films, float32 [B, N], in the order of `top` with the same `exclude`: dot product and prior.
        An MLP scorer scores its shortlist; the others follow below in the order of the dot product.
        """
        with torch.inference_mode():
            users, added, scores = self._all_scores(states)
            if self.model.scorer is not None:
                scores = self._shortlist_first(users, scores, added, exclude)
            return scores.float().cpu().numpy()

    def _shortlist_first(
        self,
        users: torch.Tensor,
        scores: torch.Tensor,
        added: torch.Tensor | None,
        exclude: Sequence[np.ndarray] | None,
    ) -> torch.Tensor:
        candidates = scores.clone()
        if exclude is not None:
            self._mask_items(candidates, exclude)
        columns = candidates.topk(min(MLP_CANDIDATES, scores.shape[1]), dim=1).indices
        rated = self._rescore(users, columns, added)
        below = scores - scores.amax(1, keepdim=True) + rated.amin(1, keepdim=True) - 1
        return below.scatter_(1, columns, rated)

    def _all_scores(self, states: np.ndarray) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor]:
        """Viewers' vectors [B, D], what the prior adds to their scores [B, N], and dot product and prior [B, N]."""
        users, added = self._split_states(states)
        scores = self.vectors.dot_products(users).div_(self.vectors.score_norms)
        return users, added, scores if added is None else scores.add_(added)

    def _split_states(self, states: np.ndarray) -> tuple[torch.Tensor, torch.Tensor | None]:
        both = torch.from_numpy(states).to(self.device)
        users, last = both[:, : self.width], both[:, self.width :]
        return users, self.prior.scores(last.long()) if self.prior else None

    def score(self, states: np.ndarray, movie_ids: Sequence[int]) -> np.ndarray:
        """Scores of some films, float32 [B, K]. Raises `KeyError` for a film that the model does not know."""
        columns = self._known_columns(movie_ids)
        with torch.inference_mode():
            users, added = self._split_states(states)
            return self._rescore(users, columns.expand(len(users), -1), added).float().cpu().numpy()

    def top(
        self,
        states: np.ndarray,
        k: int,
        allowed: np.ndarray | None = None,
        exclude: Sequence[np.ndarray] | None = None,
        cold_items: ColdItems | None = None,
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each viewer the best k films, best first: ids int32 [<=k] and scores float32 [<=k].

        `allowed` bool [N] is a mask over `movie_ids`; `exclude` gives each viewer's own films to leave out; `newcomers`
        are ranked among the model's own.
        """
        best = self._top(states, k, allowed, exclude)
        if cold_items is None or not len(cold_items.movie_ids):
            return best
        return self._merge_cold_items(best, states, k, cold_items, exclude)

    def _top(
        self, states: np.ndarray, k: int, allowed: np.ndarray | None, exclude: Sequence[np.ndarray] | None
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        with torch.inference_mode():
            if (few := self._top_via_shortlist(states, k, allowed, exclude)) is not None:
                return few
            users, added, scores = self._all_scores(states)
            self._apply_masks(scores, allowed, exclude)
            wide = max(k, MLP_CANDIDATES) if self.model.scorer is not None else k
            best, columns = scores.topk(min(wide, scores.shape[1]), dim=1)
            if self.model.scorer is not None:
                best, order = (
                    self._rescore(users, columns, added)
                    .masked_fill(best == -torch.inf, -torch.inf)
                    .topk(min(k, wide, scores.shape[1]), dim=1)
                )
                columns = columns.gather(1, order)
        return self._to_lists(columns, best)

    def cold_items(self, movie_ids: np.ndarray, names_by_movie: Sequence[Sequence[str]]) -> ColdItems:
        """The films [n], which the model does not know, by what is known of each (names as `make_features` takes them):
        those with a feature that the model has learned. None where it reads no metadata."""
        indptr, indices = to_csr(self.feature_names, names_by_movie)
        known = np.diff(indptr) > 0
        if self.model.items.parts is None or not known.any():
            return ColdItems(movie_ids[:0], self.vectors.table[:0].float())
        with torch.inference_mode():
            places, starts = (torch.from_numpy(column).to(self.device) for column in (indices, indptr))
            rounded = self.model.items.feature_vectors(places, starts).half().float()
            return ColdItems(movie_ids, self.model.output_vectors(rounded)).select(known)

    def _merge_cold_items(
        self,
        best: list[tuple[np.ndarray, np.ndarray]],
        states: np.ndarray,
        k: int,
        cold_items: ColdItems,
        exclude: Sequence[np.ndarray] | None,
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """The best k of both. Nothing was counted of what follows newcomers, so the prior adds nothing to them."""
        with torch.inference_mode():
            users, vectors = torch.from_numpy(states[:, : self.width]).to(self.device), cold_items.vectors
            scores = (
                (users @ vectors.T if self.model.scorer is None else self.model.scorer(users, vectors)).cpu().numpy()
            )
        joined = []
        for row, (ids, known) in enumerate(best):
            new = np.ones(len(vectors), bool) if exclude is None else ~np.isin(cold_items.movie_ids, exclude[row])
            both, rated = np.append(ids, cold_items.movie_ids[new]), np.append(known, scores[row, new])
            order = np.argsort(-rated, kind="stable")[:k]
            joined.append((both[order], rated[order]))
        return joined

    def _top_via_shortlist(
        self, states: np.ndarray, k: int, allowed: np.ndarray | None, exclude: Sequence[np.ndarray] | None
    ) -> list[tuple[np.ndarray, np.ndarray]] | None:
        """The same by exact scores of a shortlist alone; None where that cannot be, or might miss a film."""
        wide = 2 * k + SHORTLIST_MARGIN
        short = self.vectors.shortlist if self.model.scorer is None else None
        if short is None or len(states) > MAX_VIEWERS or wide > len(self.vocab):
            return None
        users, added = self._split_states(states)
        rough = short.scores(users)
        if added is not None:
            rough += added
        self._apply_masks(rough, allowed, exclude)
        near, columns = rough.topk(wide, dim=1)
        best, order = self._rescore(users, columns, added).masked_fill_(near == -torch.inf, -torch.inf).topk(k, dim=1)
        sure = (best[:, -1] >= near[:, -1] + short.error_bound(users)) | (near[:, -1] == -torch.inf)
        if not bool(sure.all()):
            return None
        return self._to_lists(columns.gather(1, order), best)

    def _to_lists(self, columns: torch.Tensor, scores: torch.Tensor) -> list[tuple[np.ndarray, np.ndarray]]:
        """By viewer, from [B, k] each, without what is closed."""
        places, found = columns.cpu().numpy(), scores.float().cpu().numpy()
        real = found > -np.inf
        return [(self.movie_ids[p[r]], f[r]) for p, f, r in zip(places, found, real, strict=True)]

    def _rescore(self, users: torch.Tensor, columns: torch.Tensor, prior_scores: torch.Tensor | None) -> torch.Tensor:
        """Final scores [B, K] of the films at `columns` [B, K]; `added` [B, N] is the prior's part."""
        vectors = self.vectors.rows(columns) / self.vectors.score_norms[columns].unsqueeze(2)
        if self.model.scorer is not None:
            scores = self.model.scorer(users, vectors)
        else:
            scores = (vectors @ users.unsqueeze(2)).squeeze(2)
        return scores if prior_scores is None else scores + prior_scores.gather(1, columns)

    def _apply_masks(
        self, scores: torch.Tensor, allowed: np.ndarray | None, exclude: Sequence[np.ndarray] | None
    ) -> None:
        if allowed is not None:
            scores.masked_fill_(~torch.from_numpy(allowed).to(self.device), -torch.inf)
        if exclude is not None:
            self._mask_items(scores, exclude)

    def _mask_items(self, scores: torch.Tensor, exclude: Sequence[np.ndarray]) -> None:
        columns = [found[found >= 0] for found in map(self.columns_of, exclude)]
        rows = np.repeat(np.arange(len(columns)), [len(found) for found in columns])
        if len(rows):
            scores[torch.from_numpy(rows), torch.from_numpy(np.concatenate(columns))] = -torch.inf

    def item_similarity(self, movie_id: int) -> np.ndarray:
        """Cosine of each film's vector with this one's, 0..1, float32 [N]; below 0 counts as 0. Raises `KeyError` for a
        film that the model does not know."""
        column = self._known_columns([movie_id])
        with torch.inference_mode():
            norms = self.vectors.norms
            products = self.vectors.dot_products(self.vectors.rows(column))[0]
            return products.div_(norms * norms[column]).clamp_(0, 1).cpu().numpy()

    def successor_shares(self, movie_id: int) -> np.ndarray:
        """How often each film is watched soon after this one, over the most that any is: float32 [N], 0..1; all 0 where
        no transitions were counted. Raises `KeyError` for a film that the model does not know."""
        place = self._known_columns([movie_id]) + 1
        if self.prior is None:
            return np.zeros(len(self.vocab), np.float32)
        with torch.inference_mode():
            shares = self.prior.transitions.scores(place[None])[0]
            return (shares / shares.max().clamp(min=1e-12)).cpu().numpy()

    def cosine_matrix(self, movie_ids: np.ndarray, others: Sequence[int]) -> np.ndarray:
        """Cosines of the films' vectors, float32 [n, m]. Raises `KeyError` for a film that the model does not know."""
        with torch.inference_mode():
            both = [self._known_columns(ids) for ids in (movie_ids.tolist(), others)]
            units = [self.vectors.rows(own) / self.vectors.norms[own, None] for own in both]
            return (units[0] @ units[1].T).cpu().numpy()

    def _known_columns(self, movie_ids: Sequence[int]) -> torch.Tensor:
        columns = self.columns_of(movie_ids)
        if (columns < 0).any():
            unknown = [int(movie) for movie, column in zip(movie_ids, columns, strict=True) if column < 0]
            raise KeyError(f"The model does not know the films {unknown[:10]}.")
        return torch.from_numpy(columns).to(self.device)

    @classmethod
    def load(cls, folder: Path) -> Self:
        loaded = load_model(folder)
        return cls(
            loaded.model,
            loaded.vocab,
            loaded.prior,
            vectors=loaded.vectors,
            feature_names=loaded.features.names,
            version=folder.name,
            metadata=loaded.metadata,
        )


def load_ranker(folder: Path) -> Ranker:
    """The ranker of a model folder. Raises `ModelMissing`, `ModelOutdated` or `ModelCorrupt` (see checkpoint.py)."""
    return Ranker.load(folder)
