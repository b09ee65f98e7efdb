"""Plot the memory of nights of several sizes, kept by `bench nightly --shards --result`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.quality.tables.learning_curves import STYLE

SHOWN = 6  # parts of the night, those that take most at the largest size
TARGET_MB = 2_500


def draw_nights(nights: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write the plot as SVG: the peak of the whole night, and of its largest parts, over the number of events."""
    import matplotlib as mpl  # an optional package
    from matplotlib.figure import Figure

    events, largest = [night["events"] for night in nights], nights[-1]["phases"]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        axes = figure.subplots()
        for name, label in (("peak_mb", "mapped files included"), ("own_mb", "own memory")):
            axes.semilogx(events, [night[name] for night in nights], "o-", lw=2, label=f"whole night, {label}")
        for phase in sorted(largest, key=lambda name: -int(largest[name]["peak_mb"]))[:SHOWN]:
            peaks = [night["phases"].get(phase, {}).get("peak_mb") for night in nights]
            axes.semilogx(events, peaks, ".--", lw=0.8, label=phase)
        axes.axhline(TARGET_MB, color="grey", lw=0.8)
        axes.set(xlabel="events", ylabel="MB at the peak", ylim=(0, None))
        axes.legend(loc="lower right", fontsize=8)
        figure.savefig(path, metadata={"Date": None, "Creator": None})
