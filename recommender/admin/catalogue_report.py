"""The page that says what the catalogue lacks, and the filter of the films' list that its counts link to."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.contrib.filters.admin import DropdownFilter

from catalog.models import Movie
from catalog.selectors import (
    CATALOGUE_FACTS,
    CatalogueReport,
    CatalogueTable,
    catalogue_report,
    movies_without,
    namesake_ids,
)
from infrastructure.read_replica import read_from_replica
from recommender.serving import current_versions

MAX_COUNTED_EVENTS = 5_000_000  # more take longer to read than a page should
NAMESAKES, DOUBLES = "namesakes", "doubles"
LABELS = {fact: f"without {fact}" for fact in CATALOGUE_FACTS} | {
    "imdb_id": "without an id at IMDb",
    "tmdb_id": "without an id at TMDB",
    "availability": "without a window of availability",
    "events": "without an event of a viewer",
    NAMESAKES: "with another of the same title and year",
    DOUBLES: "counted as one film with another",
}


class ReportFilter(DropdownFilter):
    """Narrow the list of films to those that a count of the report is of."""

    title = "catalogue report"
    parameter_name = "report"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        """Return the counts of the report."""
        return list(LABELS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Movie]) -> QuerySet[Movie]:
        """Return the films of the chosen count."""
        chosen = self.value()
        if not chosen:
            return queryset
        if chosen in (NAMESAKES, DOUBLES):
            return queryset.filter(pk__in=namesake_ids(_current_table(), doubles=chosen == DOUBLES))
        if chosen not in CATALOGUE_FACTS:
            raise IncorrectLookupParameters(f"The report has no {chosen}.")
        return movies_without(queryset, chosen)


class Row(NamedTuple):
    """A count of the report. `films`: None where it is not known."""

    choice: str  # of the filter
    label: str
    films: int | None
    shown: str  # that number
    share: str


def report_page(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """Render the report. Raises PermissionDenied."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    table = _current_table()
    with read_from_replica():
        report = catalogue_report(table, max_events=MAX_COUNTED_EVENTS)
    context = model_admin.admin_site.each_context(request) | {
        "title": "What the catalogue lacks",
        "opts": model_admin.opts,
        "report": report,
        "movies": f"{report.movies:,}",
        "rows": _rows(report),
        "left_out": report.titles - len(report.listed),
    }
    return TemplateResponse(request, "recommender/catalogue_report.html", context)


def _rows(report: CatalogueReport) -> list[Row]:
    counts = report.missing | {NAMESAKES: report.namesakes, DOUBLES: report.doubles}
    return [
        Row(
            choice,
            LABELS[choice],
            films,
            f"{films or 0:,}",
            "" if films is None else f"{films / max(report.movies, 1):.1%}",
        )
        for choice, films in counts.items()
    ]


def _current_table() -> CatalogueTable:
    """Return the catalogue as this process has it in memory, of the current version."""
    return current_versions.read_versions(None).load_snapshot().table
