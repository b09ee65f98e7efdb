"""Protocol N with a bounded share of the histories in the training, as an operator may set it; the lists are made of
whole histories."""

import numpy as np

from benchmarks.protocols import Task
from benchmarks.quality.next_visit import Split
from recommender.ml import visits
from recommender.ml.data import Histories, Tokens, tokenise
from recommender.ml.evaluate import Targets
from recommender.ml.ragged import concatenate_ranges
from recommender.training.share import TrainingShare


def bounded_task(split: Split, share: TrainingShare) -> Task:
    """Return the task of the split with what trains of each viewer at the training's end; what is validated stays, but
    for viewers of whom nothing trains."""
    task, histories = split.task, split.histories
    now = int(task.tokens.times[task.ends[task.ends > task.tokens.indptr[:-1]] - 1].max())
    starts = share.starts(histories.indptr[:-1], _ends(histories, now), histories.times, now)
    rows, indptr = concatenate_ranges(starts, histories.indptr[1:])
    columns = (column[rows] for column in histories[2:-1])
    tokens = tokenise(Histories._make([histories.viewers, indptr, *columns, histories.timed]), task.vocab)
    ends, validation = _ends(tokens, now), visits.find_visits_after(tokens, now, until=split.cut)
    return task._replace(
        tokens=tokens,
        ends=ends,
        baseline_ends=ends,
        validation=Targets(validation.viewers, validation.starts),
        validation_visits=validation,
    )


def _ends(of: Histories | Tokens, moment: float) -> np.ndarray:
    """Return where each viewer's rows up to a moment end, int64 [U]."""
    passed = np.append(0, np.cumsum(of.times <= moment))
    return np.asarray(of.indptr[:-1] + np.diff(passed[of.indptr]))
