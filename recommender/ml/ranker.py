"""A loaded model that ranks: it encodes histories as viewers' states, and states as ranked lists."""

from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from recommender.ml.batches import Batch, bucket_by_length, collate, last_windows
from recommender.ml.cold_items import ColdItems
from recommender.ml.data import Events, Histories, Tokens, tokenise
from recommender.ml.ease import HISTORY
from recommender.ml.ensemble import NUM_PARTS, Ensemble, film_fields, log_ease
from recommender.ml.features import to_csr
from recommender.ml.item_vectors import ItemVectors
from recommender.ml.model import TransformerRecModel
from recommender.ml.model_folder import load_model
from recommender.ml.neighbour_table import NeighbourTable
from recommender.ml.new_film_term import NewFilmTerm
from recommender.ml.popularity import NUM_COUNTS, Popularity
from recommender.ml.shortlist import MAX_VIEWERS
from recommender.ml.transition_prior import TransitionPrior
from recommender.ml.transitions import WINDOW, last_items
from recommender.ml.vocab import Vocab

BLOCK_SIZE = 64  # viewers whose scores are in memory at a time: 15 MB of 59,000 films, which are allocated once
MAX_SHARE_ALONE = 0.1  # of the films: if more are asked for, the scores of all cost less
MLP_CANDIDATES = 1000  # films with the best dot products, which the MLP scorer ranks again
SHORTLIST_MARGIN = 100  # films of a shortlist beyond twice the list
MAX_ENCODE_POSITIONS = 1_600  # padded positions that are encoded at a time, so that they fit the processor's cache


class Ranker:
    """Ranks with one version of the model. Safe for several threads: nothing changes after the start."""

    def __init__(
        self,
        model: TransformerRecModel,
        vocab: Vocab,
        prior: TransitionPrior | None = None,
        *,
        ensemble: Ensemble | None = None,
        new_film_term: NewFilmTerm | None = None,
        vectors: ItemVectors | None = None,
        neighbours: NeighbourTable | None = None,
        feature_names: Sequence[str] = (),
        version: str = "",
        metadata: Any = None,
    ) -> None:
        """Take the model's `vectors`, or compute them; without `feature_names` no cold items can be ranked."""
        self.model, self.vocab, self.version, self.metadata = model.eval(), vocab, version, metadata or {}
        self.feature_names, self.neighbours = feature_names, neighbours
        self.device = next(model.parameters()).device
        self._set_prior(prior)
        with torch.inference_mode():
            vectors = vectors or ItemVectors.from_table(model.items().detach(), cosine=bool(self.config.temperature))
            self.position_bias = model.static_bias()
        self.vectors = vectors.to(self.device)
        self.width = self.vectors.table.shape[1]
        self.new_film_term = new_film_term
        self._set_ensemble(ensemble)

    def _set_prior(self, prior: TransitionPrior | None) -> None:
        self.prior = prior.to(self.device) if prior is not None and prior.is_enabled else None

    def _set_ensemble(self, ensemble: Ensemble | None) -> None:
        self.ensemble = ensemble
        if ensemble is not None:
            self.ease, self.bias = ensemble.ease.scorer(self.device), ensemble.bias.to(self.device)
            self.ease_mean = ensemble.ease_mean.to(self.device)
            self._set_popularity(Popularity(self.vocab.movie_ids, ensemble.counts.numpy()), ensemble.totals)
        else:
            self._set_popularity(Popularity.empty(), torch.zeros(NUM_COUNTS))

    def _set_popularity(self, popularity: Popularity, totals: torch.Tensor) -> None:
        """Compute what counts say of each film: `film_parts` [P, N], which `_film_weights` weighs; the ensemble's, and
        what is added to new films, without the ensemble and in it."""
        self.popularity, self.totals = popularity, totals
        counts = torch.from_numpy(popularity.counts_of(self.vocab.movie_ids))
        fields = film_fields(counts, totals).to(self.device)
        to_new = torch.zeros(0, len(self.vocab), device=self.device)
        if self.new_film_term is not None and len(columns := self.new_film_term.unwatched):
            films = self.movie_ids[columns.numpy()]
            own_fields, added = self._new_film_terms(films, self._output_rows(columns), len(columns))
            fields[:, columns] = own_fields
            to_new = torch.zeros(2, len(self.vocab), device=self.device)
            to_new[:, columns] = added
        self.film_parts = to_new[:1]
        if self.ensemble is not None:
            self.film_parts = torch.cat([-self.bias[None], -self.ease_mean[None], fields, to_new])

    def _new_film_terms(
        self, movie_ids: np.ndarray, vectors: torch.Tensor, total: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return `NewFilmTerm.film_terms` of films [n] with these output vectors, on the device."""
        assert self.new_film_term is not None
        counts = torch.from_numpy(self.popularity.counts_of(movie_ids))
        fields, added = self.new_film_term.film_terms(vectors.cpu(), counts, self.totals, total)
        return fields.to(self.device), added.to(self.device)

    def with_prior(self, prior: TransitionPrior) -> Self:
        """Return the same ranker with a transition prior."""
        ranker = copy(self)
        ranker._set_prior(prior)
        return ranker

    def with_popularity(self, popularity: Popularity) -> Self:
        """Return the same ranker at newer counts, of all films; it shares the model. Without an ensemble it is this
        one."""
        if self.ensemble is None:
            return self
        newer = copy(self)
        newer._set_popularity(popularity, torch.from_numpy(popularity.counts.sum(0)))
        return newer

    def with_ensemble(self, ensemble: Ensemble | None) -> Self:
        """Return the same ranker in an ensemble, or without one."""
        ranker = copy(self)
        ranker._set_ensemble(ensemble)
        return ranker

    def with_new_film_term(self, term: NewFilmTerm) -> Self:
        """Return the same ranker with a term for new films."""
        ranker = copy(self)
        ranker.new_film_term = term
        ranker._set_popularity(self.popularity, self.totals)
        return ranker

    @property
    def movie_ids(self) -> np.ndarray:
        """Return the ids of the vocabulary, int32 [N], ascending."""
        return self.vocab.movie_ids

    @property
    def config(self) -> Any:
        """Return the model's `ModelConfig`."""
        return self.model.config

    @property
    def metrics(self) -> dict[str, Any]:
        """Return the metrics stored with the model."""
        return dict(self.metadata.get("metrics", {}))

    @property
    def is_finite(self) -> bool:
        """Return whether all weights are finite numbers."""
        return all(bool(parameter.isfinite().all()) for parameter in self.model.parameters())

    @property
    def state_size(self) -> int:
        """Return the length of a state: the viewer's vector; with a prior or an ensemble the last films, which float32
        holds exactly; with an ensemble its weights."""
        return self.width + self._history_length + (NUM_PARTS if self.ensemble else 0)

    @property
    def _history_length(self) -> int:
        return HISTORY if self.ensemble else WINDOW if self.prior else 0

    def columns_of(self, movie_ids: np.ndarray | Sequence[int]) -> np.ndarray:
        """Return the columns of films in `movie_ids`, int64 [n]; -1 where the model does not know the film."""
        return self.vocab.encode(np.asarray(movie_ids, np.int64)) - 1

    def encode(self, histories: Sequence[Events], requested_at: Sequence[int | None] | None = None) -> np.ndarray:
        """Encode histories as states, float32 [B, S], at request times in unix seconds (None: unknown). The bytes of a
        row can be cached."""
        tokens = tokenise(Histories.from_events(histories), self.vocab)
        times = None
        if requested_at is not None:
            times = np.array([-1 if time is None else time for time in requested_at], np.int64)
        return self.encode_tokens(tokens, np.arange(len(histories)), tokens.indptr[1:], times)

    def encode_variants(
        self, histories: Sequence[Events], requested_at: int | None = None, first_state: np.ndarray | None = None
    ) -> np.ndarray:
        """Encode variants of one history at one request time as states, float32 [B, S], in one pass. A variant that
        differs from the first only in films that the encoder does not read has the first one's vector. `first_state`:
        the first one's state, float32 [S], where it is known."""
        tokens, viewers = tokenise(Histories.from_events(histories), self.vocab), np.arange(len(histories))
        stops = tokens.indptr[1:]
        times = None if requested_at is None else np.full(len(histories), requested_at)
        batch = collate(tokens, last_windows(tokens, viewers, stops, self.config.max_len), self.config, times)
        differing = batch.differ_from_first(self.config.taste_len)
        states = np.empty((len(histories), self.state_size), np.float32)
        variants = np.flatnonzero(differing)
        if first_state is None:
            differing[0] = True
            self._encode_batch(batch.select(slice(1)), states, np.zeros(1, np.int64))
        if len(variants):
            # Windows without one of the newer films begin alike: that part of them is encoded once.
            alike = int(batch.begin_like(variants[0])[variants].min())
            self._encode_batch(batch.select(variants), states, variants, alike=alike)
        states[~differing, : self.width] = states[0, : self.width] if first_state is None else first_state[: self.width]
        self._add_histories(states, tokens, viewers, stops, times)
        return states

    def encode_tokens(
        self, tokens: Tokens, viewers: np.ndarray, stops: np.ndarray, requested_at: np.ndarray | None = None
    ) -> np.ndarray:
        """Encode the tokens of `viewers` [B] before row `stops` [B] as states, float32 [B, S]."""
        windows = last_windows(tokens, viewers, stops, self.model.config.max_len)
        states = np.empty((len(viewers), self.state_size), np.float32)
        for rows in bucket_by_length(windows, MAX_ENCODE_POSITIONS):
            times = None if requested_at is None else requested_at[rows]
            self._encode_batch(collate(tokens, windows.select(rows), self.model.config, times), states, rows)
        self._add_histories(states, tokens, viewers, stops, requested_at)
        return states

    def _encode_batch(self, batch: Batch, states: np.ndarray, rows: np.ndarray, *, alike: int = 0) -> None:
        """Write the vectors of a batch into `rows` of states; `alike` as in `TransformerRecModel.user_vectors`."""
        alike = min(alike, batch.items.shape[1] - 1) if len(rows) > 1 else 0
        with torch.inference_mode():
            on_device = batch.to(self.device)
            users = self.model.user_vectors(on_device, self.vectors.table, self.position_bias, alike=alike)
            states[rows, : self.width] = users.float().cpu().numpy()

    def _add_histories(
        self, states: np.ndarray, tokens: Tokens, viewers: np.ndarray, stops: np.ndarray, times: np.ndarray | None
    ) -> None:
        """Write what stands behind the vectors of states [B, S]: the last films, and the weights of the ensemble."""
        if length := self._history_length:
            states[:, self.width : self.width + length] = last_items(tokens, viewers, stops, length)
        if self.ensemble:
            states[:, -NUM_PARTS:] = self.ensemble.viewer_weights(tokens, viewers, stops, times)

    def scores(self, states: np.ndarray, exclude: Sequence[np.ndarray] | None = None) -> np.ndarray:
        """Return the scores of all films, float32 [B, N], in the order of `top` with the same `exclude`: dot product
        plus prior and ensemble. An MLP scorer scores its candidates; the others follow below in the order of the dot
        product.
        """
        with torch.inference_mode():
            on_device = torch.from_numpy(states).to(self.device)
            scores = self._all_scores(on_device)
            if self.model.scorer is not None:
                candidates = scores.clone()
                self._apply_masks(candidates, None, exclude)
                columns = candidates.topk(min(MLP_CANDIDATES, scores.shape[1]), dim=1).indices
                exact = self._exact_scores(on_device, columns, self._added(on_device))
                below = scores - scores.amax(1, keepdim=True) + exact.amin(1, keepdim=True) - 1
                scores = below.scatter_(1, columns, exact)
            return scores.float().cpu().numpy()

    def _all_scores(self, states: torch.Tensor) -> torch.Tensor:
        """Return the scores of all films by dot product, prior and ensemble, [B, N]."""
        weights = self._film_weights(states)
        scores = self.vectors.scores(states[:, : self.width], weights, self.film_parts)
        self._add_by_history(scores, states)
        return scores

    def _added(self, states: torch.Tensor) -> torch.Tensor | None:
        """Return what the prior and the ensemble add to dot products, [B, N]; None where they add nothing."""
        weights = self._film_weights(states)
        if weights is not None:
            added = weights @ self.film_parts
        elif self.prior is not None:
            added = torch.zeros(len(states), len(self.vocab), device=self.device)
        else:
            return None
        self._add_by_history(added, states)
        return added

    def _film_weights(self, states: torch.Tensor) -> torch.Tensor | None:
        """Return the weights [B, P] of `film_parts`; None where there are none."""
        if not len(self.film_parts):
            return None
        if self.ensemble is None:
            return torch.ones(len(states), 1, device=self.device)
        weights = states[:, -NUM_PARTS:]
        if len(self.film_parts) == NUM_PARTS:
            return weights
        is_counted = weights[:, :1]
        return torch.cat([weights, 1 - is_counted, is_counted], 1)

    def _add_by_history(self, scores: torch.Tensor, states: torch.Tensor) -> None:
        """Add what the last films say, by transitions and EASE, to scores [B, N] in place."""
        history = states[:, self.width : self.width + self._history_length].long()
        if self.prior:
            self.prior.add_to(scores, history[:, :WINDOW])
        if self.ensemble:
            of_ease = log_ease(self.ease.scores_of_films(history)).mul_(states[:, 1 - NUM_PARTS : 2 - NUM_PARTS])
            scores.index_add_(1, self.ease.films, of_ease)

    def _by_regime(self, states: torch.Tensor, added: torch.Tensor) -> torch.Tensor:
        """Return the row of `added` [2, n] that holds for each state: without the ensemble, or in it; [B, n]."""
        if self.ensemble is None:
            return added[:1].expand(len(states), -1)
        return torch.where(states[:, -NUM_PARTS : 1 - NUM_PARTS] > 0, added[1], added[0])

    def score(self, states: np.ndarray, movie_ids: Sequence[int]) -> np.ndarray:
        """Return the scores of some films, float32 [B, K]. Raises `KeyError` for a film that the model does not
        know."""
        columns = self._known_columns(movie_ids)
        with torch.inference_mode():
            on_device = torch.from_numpy(states).to(self.device)
            rows = columns.expand(len(states), -1)
            if len(columns) > len(self.vocab) * MAX_SHARE_ALONE:
                return self._exact_scores(on_device, rows, self._added(on_device)).float().cpu().numpy()
            added, scores = self._added_at(on_device, columns), self._exact_scores(on_device, rows, None)
            return (scores if added is None else scores.add_(added)).float().cpu().numpy()

    def _added_at(self, states: torch.Tensor, columns: torch.Tensor) -> torch.Tensor | None:
        """Return what `_added` does for some films alone, [B, K] for `columns` [K]."""
        films, places = columns.unique(return_inverse=True)
        weights, added = self._film_weights(states), torch.zeros(len(states), len(films), device=self.device)
        if weights is not None:
            added = weights @ self.film_parts[:, films]
        elif self.prior is None:
            return None
        history = states[:, self.width : self.width + self._history_length].long()
        if self.prior:
            added += self.prior.scores_at(history[:, :WINDOW], films)
        if self.ensemble:
            added.addcmul_(log_ease(self.ease.scores_at(history, films)), states[:, 1 - NUM_PARTS : 2 - NUM_PARTS])
        return added[:, places]

    def top(
        self,
        states: np.ndarray,
        k: int,
        allowed: np.ndarray | None = None,
        exclude: Sequence[np.ndarray] | None = None,
        cold_items: ColdItems | None = None,
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return for each viewer the best k films, best first: ids int32 [<=k] and scores float32 [<=k].

        `allowed` bool [N] is a mask over `movie_ids`; `exclude` has the ids that each viewer must not get; `cold_items`
        are ranked among the model's own films.
        """
        best = self._top(states, k, allowed, exclude)
        if cold_items is None or not len(cold_items.movie_ids):
            return best
        return self._merge_cold_items(best, states, k, cold_items, exclude)

    def _top(
        self, states: np.ndarray, k: int, allowed: np.ndarray | None, exclude: Sequence[np.ndarray] | None
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Rank the model's own films, by blocks of viewers."""
        lists = []
        with torch.inference_mode():
            for first in range(0, len(states), BLOCK_SIZE):
                block = slice(first, first + BLOCK_SIZE)
                own, seen = torch.from_numpy(states[block]).to(self.device), exclude and exclude[block]
                found = self._top_via_shortlist(own, k, allowed, seen)
                lists += self._top_of_all(own, k, allowed, seen) if found is None else found
        return lists

    def _top_of_all(
        self, states: torch.Tensor, k: int, allowed: np.ndarray | None, exclude: Sequence[np.ndarray] | None
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        scores = self._all_scores(states)
        self._apply_masks(scores, allowed, exclude)
        count = min(max(k, MLP_CANDIDATES) if self.model.scorer is not None else k, scores.shape[1])
        best, columns = scores.topk(count, dim=1)
        if self.model.scorer is not None:
            exact = self._exact_scores(states, columns, self._added(states))
            best, order = exact.masked_fill(best == -torch.inf, -torch.inf).topk(min(k, count), dim=1)
            columns = columns.gather(1, order)
        return self._to_lists(columns, best)

    def cold_items(self, movie_ids: np.ndarray, names_by_movie: Sequence[Sequence[str]]) -> ColdItems:
        """Return films [n] that the model does not know, with vectors from their features (named as `build_features`
        takes them): those with a feature that the model has learned, none where it reads no metadata."""
        indptr, indices = to_csr(self.feature_names, names_by_movie)
        known = np.diff(indptr) > 0
        if self.model.items.parts is None or not known.any():
            return ColdItems(movie_ids[:0], self.vectors.table[:0].float(), 0)
        vectors = self._feature_vectors(torch.from_numpy(indices), torch.from_numpy(indptr))
        return ColdItems(movie_ids, vectors, int(known.sum())).select(known)

    def metadata_vectors(self) -> torch.Tensor | None:
        """Return the films' output vectors as their metadata alone gives them, float32 [N, D], 0 for films without any;
        None where the model reads no metadata."""
        items = self.model.items
        return None if items.parts is None else self._feature_vectors(items.indices, items.indptr)[1:]

    def _feature_vectors(self, indices: torch.Tensor, indptr: torch.Tensor) -> torch.Tensor:
        """Return output vectors of films from their features in CSR form, rounded as the table is."""
        with torch.inference_mode():
            rounded = self.model.items.feature_vectors(indices.to(self.device), indptr.to(self.device)).half().float()
            return self.model.output_vectors(rounded)

    def cold_scores(self, states: np.ndarray, cold_items: ColdItems) -> np.ndarray:
        """Return the scores of cold items, float32 [B, K]. No transitions to them were counted, so the prior adds
        nothing to them; the term of new films does."""
        with torch.inference_mode():
            columns = torch.from_numpy(states).to(self.device)
            users, vectors = columns[:, : self.width], cold_items.vectors
            scores = users @ vectors.T if self.model.scorer is None else self.model.scorer(users, vectors)
            counts = torch.from_numpy(self.popularity.counts_of(cold_items.movie_ids))
            fields = film_fields(counts, self.totals).to(self.device)
            if self.new_film_term:
                fields, added = self._new_film_terms(cold_items.movie_ids, vectors, cold_items.total)
                scores = scores + self._by_regime(columns, added)
            if self.ensemble:
                weights, mean_viewer = columns[:, -NUM_PARTS:], self.ensemble.mean_viewer.to(self.device)
                bias = vectors @ mean_viewer
                scores = scores - weights[:, :1] * bias + weights[:, 2:] @ fields
            return scores.float().cpu().numpy()

    def _merge_cold_items(
        self,
        best: list[tuple[np.ndarray, np.ndarray]],
        states: np.ndarray,
        k: int,
        cold_items: ColdItems,
        exclude: Sequence[np.ndarray] | None,
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the best k of both."""
        cold_scores, vectors = self.cold_scores(states, cold_items), cold_items.vectors
        lists = []
        for row, (own_ids, own_scores) in enumerate(best):
            keep = np.ones(len(vectors), bool) if exclude is None else ~np.isin(cold_items.movie_ids, exclude[row])
            ids = np.append(own_ids, cold_items.movie_ids[keep])
            scores = np.append(own_scores, cold_scores[row, keep])
            order = np.argsort(-scores, kind="stable")[:k]
            lists.append((ids[order], scores[order]))
        return lists

    def _top_via_shortlist(
        self, states: torch.Tensor, k: int, allowed: np.ndarray | None, exclude: Sequence[np.ndarray] | None
    ) -> list[tuple[np.ndarray, np.ndarray]] | None:
        """Return the same lists from exact scores of a shortlist alone; None where there is no shortlist, or it might
        miss a film."""
        count = 2 * k + SHORTLIST_MARGIN
        shortlist = self.vectors.shortlist if self.model.scorer is None else None
        if shortlist is None or len(states) > MAX_VIEWERS or count > len(self.vocab):
            return None
        users, added = states[:, : self.width], self._added(states)
        rough = shortlist.scores(users)
        if added is not None:
            rough += added
        self._apply_masks(rough, allowed, exclude)
        nearest, columns = rough.topk(count, dim=1)
        exact = self._exact_scores(states, columns, added).masked_fill_(nearest == -torch.inf, -torch.inf)
        best, order = exact.topk(k, dim=1)
        complete = (best[:, -1] >= nearest[:, -1] + shortlist.error_bound(users)) | (nearest[:, -1] == -torch.inf)
        if not bool(complete.all()):
            return None
        return self._to_lists(columns.gather(1, order), best)

    def _to_lists(self, columns: torch.Tensor, scores: torch.Tensor) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return ids and scores by viewer, from [B, k] each, without the films that are masked out."""
        rows = zip(columns.cpu().numpy(), scores.float().cpu().numpy(), strict=True)
        return [(self.movie_ids[found[values > -np.inf]], values[values > -np.inf]) for found, values in rows]

    def _exact_scores(self, states: torch.Tensor, columns: torch.Tensor, added: torch.Tensor | None) -> torch.Tensor:
        """Return the final scores [B, K] of the films at `columns` [B, K]; `added` is [B, N]."""
        users, vectors = states[:, : self.width], self._output_rows(columns)
        if self.model.scorer is not None:
            scores = self.model.scorer(users, vectors)
        else:
            scores = (vectors @ users.unsqueeze(2)).squeeze(2)
        return scores if added is None else scores + added.gather(1, columns)

    def _output_rows(self, columns: torch.Tensor) -> torch.Tensor:
        """Return the output vectors of the films at `columns` [...], float32 [..., D]."""
        return self.vectors.rows(columns) / self.vectors.score_norms[columns].unsqueeze(-1)

    def _apply_masks(
        self, scores: torch.Tensor, allowed: np.ndarray | None, exclude: Sequence[np.ndarray] | None
    ) -> None:
        """Set the scores [B, N] of films that a viewer must not get to -inf, in place."""
        if allowed is not None and not allowed.all():
            scores.masked_fill_(~torch.from_numpy(allowed).to(self.device), -torch.inf)
        if exclude is not None:
            rows = np.repeat(np.arange(len(exclude)), [len(movie_ids) for movie_ids in exclude])
            columns = self.columns_of(np.concatenate([np.empty(0, np.int64), *exclude]))
            places = rows[columns >= 0] * scores.shape[1] + columns[columns >= 0]
            scores.view(-1)[torch.from_numpy(places).to(self.device)] = -torch.inf

    def cosine_matrix(self, movie_ids: np.ndarray, others: Sequence[int]) -> np.ndarray:
        """Return the cosines of films' vectors, float32 [n, m]. Raises `KeyError` for a film that the model does not
        know."""
        with torch.inference_mode():
            columns = [self._known_columns(ids) for ids in (movie_ids.tolist(), others)]
            units = [self.vectors.rows(own) / self.vectors.norms[own, None] for own in columns]
            return (units[0] @ units[1].T).cpu().numpy()

    def _known_columns(self, movie_ids: Sequence[int]) -> torch.Tensor:
        columns = self.columns_of(movie_ids)
        if (columns < 0).any():
            unknown = [int(movie) for movie, column in zip(movie_ids, columns, strict=True) if column < 0]
            raise KeyError(f"The model does not know the films {unknown[:10]}.")
        return torch.from_numpy(columns).to(self.device)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load a model folder; see `load_ranker` for what it raises."""
        loaded = load_model(folder)
        return cls(
            loaded.model,
            loaded.vocab,
            loaded.prior,
            ensemble=loaded.ensemble,
            new_film_term=loaded.new_film_term,
            vectors=loaded.vectors,
            neighbours=loaded.neighbours,
            feature_names=loaded.features.names,
            version=folder.name,
            metadata=loaded.metadata,
        )


def load_ranker(folder: Path) -> Ranker:
    """Load the ranker of a model folder. Raises `ModelMissing`, `ModelFormatMismatch` or `ModelCorrupt` (see
    model_folder.py)."""
    return Ranker.load(folder)
