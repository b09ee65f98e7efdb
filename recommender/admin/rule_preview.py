"""The preview of a merchandising rule: a viewer's list without it, and with it as if it were live now."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from catalog import selectors
from catalog.keys import MAX_KEY_LENGTH, VIEWER_KEY_RULE, Key, parse_key
from catalog.models import Rule
from catalog.selectors import MerchandisingRule
from recommender import viewer_keys
from recommender.admin.cards import Card, make_cards
from recommender.movies.movie_ids import parse_movie_id
from recommender.serving.chart import recommend_chart
from recommender.serving.current_versions import read_versions
from recommender.serving.home.page import build_page
from recommender.serving.metrics import suppress_metrics
from recommender.serving.pipeline import recommend
from recommender.serving.request import CHART_NAMES, ChartName, RecommendRequest
from recommender.serving.similar import find_similar

LIST_LENGTH = 20
ROW_LENGTH, MAX_ROWS = 12, 20


class PreviewForm(forms.Form):
    """Choose a viewer and a list; by default one that the rule is for."""

    viewer = forms.CharField(
        max_length=MAX_KEY_LENGTH, strip=False, label="Viewer's id", widget=UnfoldAdminTextInputWidget
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
    film = forms.CharField(
        max_length=MAX_KEY_LENGTH,
        strip=False,
        required=False,
        label="Film's id, for films like it",
        widget=UnfoldAdminTextInputWidget,
    )

    def __init__(self, *args: Any, shelves: Sequence[str], **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["shelf"].initial = shelves[0].partition(":")[0] if shelves else "recommend"

    def clean_viewer(self) -> Key:
        """Return the viewer's key. Raises ValidationError."""
        key = parse_key(self.cleaned_data["viewer"])
        if key is None:
            raise forms.ValidationError(VIEWER_KEY_RULE[0].upper() + VIEWER_KEY_RULE[1:])
        return key

    def clean(self) -> dict[str, Any]:
        """Require a movie for the list of similar movies."""
        values = super().clean() or self.cleaned_data
        if values.get("shelf") == "similar" and not values.get("film") and "film" not in self.errors:
            self.add_error("film", "Name the film that the others are to be like.")
        return values


class PreviewColumn(NamedTuple):
    """Hold one column of the page: the list without the rule, or with it."""

    title: str
    rows: list[tuple[str, list[Card]]]  # title of the row, "" for a list that has none, and its movies
    message: str


class _PreviewedList(NamedTuple):
    rows: list[tuple[str, list[int]]]  # title of the row and its movie ids
    message: str


def before_and_after(rule: Rule, form: PreviewForm) -> list[PreviewColumn]:
    """Return the page's two columns. The second notes which movies moved, and highlights those of the rule.

    Raises Overloaded, MovieNotFound.
    """
    snapshot = read_versions(None).load_snapshot()
    other_rules = tuple(other for other in snapshot.table.merchandising_rules if other.id != rule.pk)
    previewed = selectors.merchandising_rule(rule.pk)
    as_if_live = [] if previewed is None else [previewed._replace(starts_at=0, ends_at=2**62)]
    with suppress_metrics():
        before = _lists(form.cleaned_data, other_rules)
        after = _lists(form.cleaned_data, (*other_rules, *as_if_live))
    movie_ids = {movie_id for preview in (before, after) for _, row in preview.rows for movie_id in row}
    movies = selectors.movie_cards(movie_ids)
    of_rule = set() if previewed is None else movie_ids & set(previewed.movie_ids.tolist())
    positions = {title: {movie_id: index for index, movie_id in enumerate(row)} for title, row in before.rows}
    without_rule = [(title, make_cards(row, movies)) for title, row in before.rows]
    with_rule = [(title, make_cards(row, movies, positions.get(title, {}), of_rule)) for title, row in after.rows]
    return [
        PreviewColumn("Without the rule", without_rule, before.message),
        PreviewColumn("With the rule", with_rule, ""),
    ]


def _lists(values: Mapping[str, Any], rules: Sequence[MerchandisingRule]) -> _PreviewedList:
    """Make the list that the form's `values` name under these rules alone."""
    shelf, viewer = values["shelf"], values["viewer"]
    viewer_id = viewer_keys.viewer_id(viewer)
    if shelf == "home":
        request = RecommendRequest(viewer_id=viewer_id, viewer_key=viewer, top_k=ROW_LENGTH, rules_override=rules)
        page = build_page(request, MAX_ROWS, ROW_LENGTH)
        return _PreviewedList([(row.title, row.movie_ids) for row in page.rows], page.empty_reason)
    if shelf == "similar":
        similar = find_similar(parse_movie_id(values["film"]), LIST_LENGTH, viewer_id=viewer_id, rules_override=rules)
        return _PreviewedList([("", similar.movie_ids)], "")
    request = RecommendRequest(viewer_id=viewer_id, viewer_key=viewer, top_k=LIST_LENGTH, rules_override=rules)
    answer = recommend(request) if shelf == "recommend" else recommend_chart(request, cast(ChartName, shelf))
    message = "" if answer.is_known_viewer else "No viewer has this id: this is the list of a new viewer. "
    movie_ids = [recommendation.movie_id for recommendation in answer.recommendations]
    return _PreviewedList([("", movie_ids)], message + answer.empty_reason)
