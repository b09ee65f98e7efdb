"""Small pictures as SVG: colours come from admin.css, so they are right in light and dark."""

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT = 240, 56
GAP = 1.5


def column_chart(values: Sequence[float | None], labels: Sequence[str]) -> SafeString:
    """A column for each value, the highest as high as the picture; None leaves a gap. Labels show under the pointer."""
    top = max((value for value in values if value), default=0) or 1
    step = WIDTH / max(len(values), 1)
    bars = [
        (f"{n * step:.1f}", f"{HEIGHT - high:.1f}", f"{max(step - GAP, 1):.1f}", f"{high:.1f}", label)
        for n, (value, label) in enumerate(zip(values, labels, strict=True))
        if value is not None and (high := max(1.5, HEIGHT * value / top))
    ]
    drawn = format_html_join("", "<rect x='{}' y='{}' width='{}' height='{}' rx='1'><title>{}</title></rect>", bars)
    return _svg("mr-columns", drawn, bars[-1][-1] if bars else "nothing to draw yet")


def line_chart(series: Sequence[Sequence[float]], labels: Sequence[str]) -> SafeString:
    """Curves on one scale, from the lowest value of all to the highest."""
    every = [value for values in series for value in values]
    low, high = min(every, default=0), max(every, default=1)
    drawn = [
        (f"mr-line-{n % 4}", " ".join(_points(values, low, (high - low) or 1)), label)
        for n, (values, label) in enumerate(zip(series, labels, strict=True))
    ]
    shapes = format_html_join("", "<polyline class='{}' points='{}'><title>{}</title></polyline>", drawn)
    return _svg("mr-lines", shapes, ", ".join(labels))


def _points(values: Sequence[float], low: float, spread: float) -> list[str]:
    step = WIDTH / max(len(values) - 1, 1)
    inside = HEIGHT - 8
    return [f"{n * step:.1f},{4 + inside * (1 - (value - low) / spread):.1f}" for n, value in enumerate(values)]


def share_bar(value: float, marked_share: float | None = None) -> SafeString:
    """A share (0..1) as a bar, and a mark where another one lies."""
    at = f"{198 * min(marked_share or 0, 1):.1f}"
    mark = "" if marked_share is None else format_html("<rect class='mr-mark' x='{}' width='2' height='10'/>", at)
    shape = (
        "<svg class='mr-bar' viewBox='0 0 200 10' preserveAspectRatio='none' aria-hidden='true'>"
        "<rect width='{}' height='10' rx='2'/>{}</svg>"
    )
    return format_html(shape, f"{200 * min(value, 1):.1f}", mark)


def _svg(kind: str, shapes: SafeString, words: str) -> SafeString:
    return format_html(
        "<svg class='{}' viewBox='0 0 {} {}' preserveAspectRatio='none' role='img' aria-label='{}'>{}</svg>",
        kind,
        WIDTH,
        HEIGHT,
        words,
        shapes,
    )
