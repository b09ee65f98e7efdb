"""A rule on a viewer's list: the list without it, and with it as if it were live now."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from django import forms
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from catalog import selectors
from catalog.limits import MAX_ID
from catalog.models import Rule
from catalog.selectors import MerchandisingRule
from recommender.admin.cards import Card, make_cards
from recommender.movies.snapshot import current_snapshot
from recommender.serving import current_versions
from recommender.serving.chart import recommend_chart
from recommender.serving.home.page import build_page
from recommender.serving.metrics import suppress_metrics
from recommender.serving.pipeline import recommend
from recommender.serving.request import CHART_NAMES, ChartName, RecommendRequest
from recommender.serving.similar import find_similar

LIST_LENGTH = 20
ROW_LENGTH, MAX_ROWS = 12, 20


class PreviewForm(forms.Form):
    viewer = forms.IntegerField(
        min_value=1, max_value=MAX_ID, label="Viewer's id", widget=UnfoldAdminIntegerFieldWidget
    )
    shelf = forms.ChoiceField(
        label="List",
        choices=[
            ("recommend", "personal list"),
            *((name, name) for name in CHART_NAMES),
            ("home", "home page"),
            ("similar", "films like a film"),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    film = forms.IntegerField(
        min_value=1,
        max_value=MAX_ID,
        required=False,
        label="Film's id, for films like it",
        widget=UnfoldAdminIntegerFieldWidget,
    )

    def __init__(self, *args: Any, shelves: Sequence[str], **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["shelf"].initial = shelves[0].partition(":")[0] if shelves else "recommend"

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if values.get("shelf") == "similar" and values.get("film") is None and "film" not in self.errors:
            self.add_error("film", "Name the film that the others are to be like.")
        return values


class PreviewColumn(NamedTuple):
    title: str
    rows: list[tuple[str, list[Card]]]  # the row's title, "" for a list that has none; its films
    message: str


def before_and_after(rule: Rule, form: PreviewForm) -> list[PreviewColumn]:
    """The page's two columns. Films that came, or stand elsewhere than before, are marked in the second. Raises Busy,
    and UnknownFilm."""
    asked = form.cleaned_data
    films = current_snapshot(current_versions.read_versions(None).versions.catalogue or 0)
    others = tuple(one for one in films.table.merchandising_rules if one.id != rule.pk)
    tried = selectors.merchandising_rule(rule.pk)
    as_if_live = [] if tried is None else [tried._replace(starts_at=0, ends_at=2**62)]
    with suppress_metrics():
        before, told = _lists(asked, others)
        after, _ = _lists(asked, (*others, *as_if_live))
    every = {movie for side in (before, after) for _, ids in side for movie in ids}
    known = selectors.movie_cards(every)
    of_rule = set() if tried is None else set(np.intersect1d(list(every), tried.movie_ids).tolist())
    was = {title: {movie: place for place, movie in enumerate(ids)} for title, ids in before}
    return [
        PreviewColumn("Without the rule", [(title, make_cards(ids, known)) for title, ids in before], told),
        PreviewColumn(
            "With the rule", [(title, make_cards(ids, known, was.get(title, {}), of_rule)) for title, ids in after], ""
        ),
    ]


def _lists(asked: Mapping[str, Any], rules: Sequence[MerchandisingRule]) -> tuple[list[tuple[str, list[int]]], str]:
    viewer, shelf = asked["viewer"], asked["shelf"]
    if shelf == "home":
        page = build_page(
            RecommendRequest(viewer_id=viewer, top_k=ROW_LENGTH, rules_override=rules), MAX_ROWS, ROW_LENGTH
        )
        return [(shown.row.title, shown.movie_ids) for shown in page.rows], page.empty_reason
    if shelf == "similar":
        return [("", find_similar(asked["film"], LIST_LENGTH, viewer_id=viewer, rules_override=rules).movie_ids)], ""
    query = RecommendRequest(viewer_id=viewer, top_k=LIST_LENGTH, rules_override=rules)
    answer = recommend(query) if shelf == "recommend" else recommend_chart(query, cast(ChartName, shelf))
    told = "" if answer.is_known_viewer else "No viewer has this id: this is the list of a new viewer. "
    return [("", [one.movie_id for one in answer.recommendations])], told + answer.empty_reason
