"""Plot the results of `bench growth`: seconds and memory over the number of events, on logarithmic scales."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.quality.tables.learning_curves import STYLE

PANELS = {
    "seconds": {"load_s": "import", "read_s": "read for training", "batch_s": "all lists", "bare_s": "all lists, bare"},
    "MB": {"read_mb": "read for training", "batch_mb": "all lists, two processes", "redis_mb": "lists in Redis"},
}


def draw_growth(sizes: Sequence[Mapping[str, Any]], slopes: Mapping[str, float | None], path: Path) -> None:
    """Write the plot as SVG."""
    import matplotlib as mpl  # an optional package
    from matplotlib.figure import Figure

    events = [size["events"] for size in sizes]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 4.5), layout="constrained")
        for axes, (unit, names) in zip(figure.subplots(1, len(PANELS)), PANELS.items(), strict=True):
            for name, label in names.items():
                axes.loglog(events, [size[name] for size in sizes], "o-", label=f"{label}: slope {slopes[name]}")
            axes.set(xlabel="events", ylabel=unit)
            axes.legend(loc="lower right", fontsize=8)
        figure.savefig(path, metadata={"Date": None, "Creator": None})
