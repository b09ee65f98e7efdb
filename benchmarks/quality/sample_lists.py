"""Print whole lists to be read: what viewers watched, the lists made for their next visit, and what they saw in it."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from benchmarks.quality.next_visit import LIST_LENGTH, Split, rank_visits, test_masks
from catalog.dataset import Dataset
from recommender.ml import visits
from recommender.ml.evaluate import Scorer

HISTORY = 10  # films shown of a history, the latest last
TITLE = 38  # characters of a title


def print_lists(split: Split, dataset: Dataset, scorers: Mapping[str, Scorer], viewers: int) -> None:
    """Print the lists of so many viewers for their first visit after the cut, by every scorer side by side.

    The viewers stand evenly along the lengths of the histories, so each run shows the same ones. A star marks a film
    of the visit.
    """
    first = np.flatnonzero(test_masks(split)["first"])
    known = split.visits.starts[first] - split.tokens.indptr[split.visits.viewers[first]]
    by_length = first[np.argsort(known, kind="stable")]
    chosen = split.visits.select(by_length[np.linspace(0, len(by_length) - 1, viewers).astype(int)])
    shown = split._replace(visits=chosen, relevant=visits.relevant_items(split.tokens, chosen))
    lists = {name: rank_visits(shown, score).lists for name, score in scorers.items()}
    names = dict(dataset.movies.select("id", "title").iter_rows())
    titles = [names.get(movie_id) or f"film {movie_id}" for movie_id in split.catalogue.movie_ids.tolist()]
    for row in range(len(chosen.viewers)):
        own = {name: columns[row] for name, columns in lists.items()}
        print("\n".join(_describe_visit(shown, row, titles, own)), flush=True)


def _describe_visit(split: Split, row: int, titles: Sequence[str], lists: Mapping[str, np.ndarray]) -> Iterator[str]:
    viewer, start = split.visits.viewers[row], split.visits.starts[row]
    history = split.tokens.items[split.tokens.indptr[viewer] : start] - 1
    watched = split.relevant.items[split.relevant.indptr[row] : split.relevant.indptr[row + 1]]
    yield f"\nViewer {row + 1}, who knows {len(history)} films, lately: {_join(titles, history[-HISTORY:])}"
    yield f"Then watched: {_join(titles, watched[:HISTORY])}"
    yield "".join(f"{name:<{TITLE + 4}}" for name in lists)
    for place in range(min(LIST_LENGTH, len(titles))):
        columns = [columns[place] for columns in lists.values()]
        cells = (f"{'*' if column in watched else ' '} {titles[column][:TITLE]}" for column in columns)
        yield "".join(f"{cell:<{TITLE + 4}}" for cell in cells)


def _join(titles: Sequence[str], columns: np.ndarray) -> str:
    return "; ".join(titles[column] for column in columns)
