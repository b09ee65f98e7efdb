"""Draw small charts as SVG. Colours come from admin.css, so they fit light and dark."""

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT = 240, 56
GAP = 1.5


def column_chart(values: Sequence[float | None], labels: Sequence[str]) -> SafeString:
    """Draw a column for each value, the highest as high as the chart; None leaves a gap. Labels are tooltips.

    Without any value above 0 there is no chart.
    """
    top = max((value for value in values if value), default=0)
    if not top:
        return SafeString()
    step = WIDTH / max(len(values), 1)
    bars = [
        (f"{n * step:.1f}", f"{HEIGHT - high:.1f}", f"{max(step - GAP, 1):.1f}", f"{high:.1f}", label)
        for n, (value, label) in enumerate(zip(values, labels, strict=True))
        if value is not None and (high := max(1.5, HEIGHT * value / top))
    ]
    shapes = format_html_join("", "<rect x='{}' y='{}' width='{}' height='{}' rx='1'><title>{}</title></rect>", bars)
    return _svg("mr-columns", shapes, bars[-1][-1])


def line_chart(series: Sequence[Sequence[float]], labels: Sequence[str]) -> SafeString:
    """Draw a line for each series, on one scale from the lowest value of all to the highest. Labels are tooltips."""
    all_values = [value for values in series for value in values]
    low, high = min(all_values, default=0), max(all_values, default=1)
    curves = [
        (f"mr-line-{n % 4}", " ".join(_points(values, low, (high - low) or 1)), label)
        for n, (values, label) in enumerate(zip(series, labels, strict=True))
    ]
    shapes = format_html_join("", "<polyline class='{}' points='{}'><title>{}</title></polyline>", curves)
    return _svg("mr-lines", shapes, ", ".join(labels))


def _points(values: Sequence[float], low: float, spread: float) -> list[str]:
    """Return "x,y" of each value, with a margin of 4 above and below."""
    step = WIDTH / max(len(values) - 1, 1)
    inside = HEIGHT - 8
    return [f"{n * step:.1f},{4 + inside * (1 - (value - low) / spread):.1f}" for n, value in enumerate(values)]


def share_bar(value: float, marked_share: float | None = None) -> SafeString:
    """Draw a share (0..1) as a bar, with a mark at another share."""
    mark_x = f"{198 * min(marked_share or 0, 1):.1f}"
    mark = "" if marked_share is None else format_html("<rect class='mr-mark' x='{}' width='2' height='10'/>", mark_x)
    shape = (
        "<svg class='mr-bar' viewBox='0 0 200 10' preserveAspectRatio='none' aria-hidden='true'>"
        "<rect width='{}' height='10' rx='2'/>{}</svg>"
    )
    return format_html(shape, f"{200 * min(value, 1):.1f}", mark)


def _svg(css_class: str, shapes: SafeString, label: str) -> SafeString:
    svg = "<svg class='{}' viewBox='0 0 {} {}' preserveAspectRatio='none' role='img' aria-label='{}'>{}</svg>"
    return format_html(svg, css_class, WIDTH, HEIGHT, label, shapes)
