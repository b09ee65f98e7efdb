"""Plot learning curves: validation NDCG@10 by epoch. The same results give the same bytes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality.tables.result_groups import ResultGroup

STYLE: dict[Any, Any] = {
    "svg.hashsalt": "movierec",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.grid": True,
    "grid.alpha": 0.3,
}


def draw_curves(groups: Sequence[ResultGroup], folder: Path) -> list[Path]:
    """Write one plot per protocol to `folder`, curves-p1.svg and so on: a line per setting, thin ones for more
    seeds."""
    import matplotlib as mpl  # an optional package
    from matplotlib.figure import Figure

    written = []
    for protocol in sorted({group["protocol"] for group in groups}):
        selected = [group for group in groups if group["protocol"] == protocol]
        with mpl.rc_context(STYLE):
            figure = Figure(figsize=(8, 4.5), layout="constrained")
            axes = figure.subplots()
            for position, group in enumerate(selected):
                curves = [curve for result in group.results for curve in result["curves"]]
                for number, curve in enumerate(curves):
                    epochs, ndcg = ([epoch[name] for epoch in curve] for name in ("epoch", "ndcg10"))
                    axes.plot(
                        epochs,
                        ndcg,
                        f"C{position % 10}",
                        lw=0.8 if number else 1.6,
                        label="" if number else group.label,
                    )
            best = max(
                np.max([epoch["ndcg10"] for epoch in curve])
                for group in selected
                for r in group.results
                for curve in r["curves"]
            )
            axes.set(
                xlabel="epoch", ylabel="NDCG@10 on validation, mean of the three time modes", ylim=(0, 1.08 * best)
            )
            axes.legend(loc="lower right")
            written.append(folder / f"curves-{protocol.lower()}.svg")
            figure.savefig(written[-1], metadata={"Date": None, "Creator": None})
    return written
