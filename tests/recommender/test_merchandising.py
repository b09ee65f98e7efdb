"""Rules made in the admin, as readers of the API see them: on the next read, of stored lists too, without a query."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from catalog.models import Genre, Movie, MovieTag, Person, Rule, Tag
from recommender.admin import rules
from recommender.serving.bulk import recommend_many
from recommender.serving.chart import recommend_chart
from recommender.serving.home.page import build_page
from recommender.serving.pipeline import recommend
from recommender.serving.request import Filters, RecommendRequest
from recommender.serving.reranking import merchandising
from recommender.serving.similar import find_similar
from tests.support.cast import ADA, BEN, EVE, GODFATHER, MATRIX, NEMO, STAR_WARS, UNKNOWN_MOVIE
from tests.support.forms import run_action, submit
from tests.support.tiny_model import UNKNOWN_TO_MODEL

pytestmark = pytest.mark.usefixtures("model")


@pytest.fixture
def home_rows(settings):
    """The rows of GET /home for a viewer, or for nobody."""
    settings.API_OPEN = True

    def rows(viewer):
        asked = {"rows": 20, "row_length": 6} | ({"user_id": viewer} if viewer else {})
        return Client().get("/home", asked).json()["rows"]

    return rows


def moment(name, value):
    return {f"{name}_0": f"{value:%Y-%m-%d}", f"{name}_1": f"{value:%H:%M:%S}"} if value else {}


def made(editor, pk=None, *, starts_at=None, ends_at=None, **values):
    page = reverse("admin:catalog_rule_add") if pk is None else reverse("admin:catalog_rule_change", args=[pk])
    dates = moment("starts_at", starts_at) | moment("ends_at", ends_at)
    answer = submit(editor, page, {"name": "a rule", **dates, **values})
    assert answer.status_code == 302, answer.context["errors"]
    return Rule.objects.get(pk=pk) if pk else Rule.objects.first()


def ended(editor, rule):
    run_action(editor, reverse("admin:catalog_rule_changelist"), "disable", [rule.pk])


def listed(viewer=ADA, source=None, top_k=20, **more):
    answer = recommend(RecommendRequest(viewer_id=viewer, top_k=top_k, **more))
    assert source is None or answer.source == source
    return [item.movie_id for item in answer.recommendations]


def test_boost_bury_and_exclude_move_stored_lists_and_cost_no_query(editor):
    plain = listed(source="model", top_k=30)
    boost = made(editor, action="boost", movie=plain[12], places=10)
    bury = made(editor, action="bury", movie=plain[0], places=3)
    made(editor, action="exclude", movie=plain[6], shelves=["recommend"])
    listed()  # this process reads the catalogue anew
    with CaptureQueriesContext(connection) as queries:
        answer = recommend(RecommendRequest(viewer_id=ADA, top_k=20))
    assert (answer.source, len(queries), answer.removal_counts["merchandising"]) == ("cache", 0, 1)
    # Without plain[6] the boosted one is at place 11, from 0: it goes before the film at place 1, which place 0 leaves.
    expected = [plain[12], *plain[1:4], plain[0], *plain[4:6], *plain[7:12], *plain[13:]]
    assert [item.movie_id for item in answer.recommendations] == expected[:20]

    for rule in (boost, bury):
        ended(editor, rule)
    assert listed(source="cache") == [movie for movie in plain if movie != plain[6]][:20]
    assert plain[6] in [
        item.movie_id for item in recommend_chart(RecommendRequest(viewer_id=EVE, top_k=100), "popular").recommendations
    ]


def test_positions_by_hand():
    """Film 4 up by 3 goes before film 1; film 0 down by 2 goes behind film 2; 1 and 2 keep their order."""
    import numpy as np

    up = np.array([-2, 0, 0, 0, 3])
    assert merchandising.shifted_order(up, np.arange(5)).tolist() == [4, 1, 2, 0, 3]


def test_a_pinned_movie_stands_at_its_position_for_viewers_who_have_not_seen_it(editor, monkeypatch):
    plain = listed(source="model")
    made(editor, action="pin", movie=UNKNOWN_TO_MODEL, places=3)  # no model knows it
    expected = [*plain[:2], UNKNOWN_TO_MODEL, *plain[2:19]]
    assert listed(source="model") == expected, "the list made before the rule cannot tell"
    assert listed(source="cache") == expected

    Rule.objects.all().delete()
    made(editor, action="pin", movie=MATRIX, places=1)  # Ada has seen it, Ben has not
    assert listed(source="model") == plain
    monkeypatch.setattr(merchandising, "CLOCK_SKEW", -1)  # some seconds later
    assert listed(source="cache") == plain
    assert listed(BEN)[0] == MATRIX
    assert listed(BEN, source="cache")[0] == MATRIX
    assert listed(BEN, filters=Filters(genres=["Crime"]))[0] != MATRIX
    [answer] = recommend_many([RecommendRequest(viewer_id=BEN, top_k=5)])
    assert answer.recommendations[0].movie_id == MATRIX


def test_rules_of_a_genre_a_person_and_a_tag(editor):
    plain = listed(source="model", top_k=60)
    crime = set(Movie.objects.filter(genres__name="Crime").values_list("id", flat=True))
    first = next(movie for movie in plain if movie in crime)
    pin = made(editor, action="pin", by="genre", genre=Genre.objects.get(name="Crime").pk, places=2)
    assert listed()[1] == first
    ended(editor, pin)

    made(editor, action="exclude", by="person", person=Person.objects.get(name="Marlon Brando").pk)
    assert GODFATHER not in listed(EVE, top_k=100)
    tag = Tag.objects.create(name="summer")
    MovieTag.objects.create(tag=tag, movie_id=plain[9])
    made(editor, action="boost", by="tag", tag=tag.pk, places=200)
    assert listed()[0] == plain[9]


def test_each_list_has_its_own_rules(editor):
    names = ("popular", "trending", "latest")
    plain = listed(source="model")
    made(editor, action="pin", movie=UNKNOWN_TO_MODEL, places=1, shelves=["popular", "similar", "home:new"])
    made(editor, action="exclude", movie=NEMO, shelves=["latest"])
    lists = {
        name: [
            item.movie_id for item in recommend_chart(RecommendRequest(viewer_id=EVE, top_k=100), name).recommendations
        ]
        for name in names
    }
    assert lists["popular"][0] == UNKNOWN_TO_MODEL
    assert (NEMO in lists["popular"], NEMO in lists["latest"]) == (True, False)
    assert find_similar(STAR_WARS, 5).movie_ids[0] == UNKNOWN_TO_MODEL
    page = {row.key: row.movie_ids for row in build_page(RecommendRequest(viewer_id=BEN, top_k=6), 20, 6).rows}
    assert page["new"][0] == UNKNOWN_TO_MODEL
    assert sum(UNKNOWN_TO_MODEL in films for films in page.values()) == 1
    assert listed() == plain


@pytest.mark.parametrize("viewer", [ADA, BEN, None])
def test_a_pin_on_every_list_stands_once_on_a_home_page(editor, home_rows, viewer):
    """In the first row, whatever that is; the rows of a genre, a person or a watched film hold none but their own."""
    plain = home_rows(viewer)
    made(editor, action="pin", movie=UNKNOWN_TO_MODEL, places=1)  # science fiction of nobody's
    made(editor, action="pin", by="genre", genre=Genre.objects.get(name="Crime").pk, places=2)

    rows = home_rows(viewer)

    shown = [film["movie_id"] for row in rows for film in row["films"]]
    assert len(rows) == len(plain) >= 3
    assert len(shown) == len(set(shown)), "a film stands once on a page"
    assert rows[0]["films"][0]["movie_id"] == str(UNKNOWN_TO_MODEL)
    for row in rows:
        if row["kind"] in ("genre", "popular_genre"):
            assert all(row["about"] in film["genres"] for film in row["films"]), row["title"]


def test_a_row_takes_a_pin_only_where_its_title_is_true_of_the_movie(editor, home_rows):
    titled = ["home:genre", "home:people", "home:because_you_watched"]
    made(editor, action="pin", movie=NEMO, places=1, shelves=titled)

    rows = home_rows(ADA)

    first = {row["about"] for row in rows if row["films"][0]["movie_id"] == str(NEMO)}
    genres = {genre.name for genre in Movie.objects.get(pk=NEMO).genres.all()}
    watched = {row["about"] for row in rows if row["kind"] == "because_you_watched"}
    kin = {about for about in watched if NEMO in find_similar(int(about), 20, rules_override=()).movie_ids}
    assert "Sci-Fi" in {row["about"] for row in rows}
    assert first <= genres | kin


def test_a_pin_below_the_end_of_a_row_takes_the_movie_from_no_other(editor, home_rows):
    first = home_rows(ADA)[0]["films"][0]["movie_id"]
    made(editor, action="pin", movie=first, places=10, shelves=["home:popular"])

    assert home_rows(ADA)[0]["films"][0]["movie_id"] == first


def test_dates_are_kept_to_the_second(editor, monkeypatch):
    plain, now = listed(source="model"), timezone.now()
    made(editor, action="exclude", movie=plain[0], starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=2))
    seen = {}
    for minutes in (59, 61, 119, 121):
        then = now + timedelta(minutes=minutes)
        monkeypatch.setattr("time.time", lambda then=then: then.timestamp())
        seen[minutes] = plain[0] in listed()
    assert seen == {59: True, 61: False, 119: False, 121: True}


def test_a_rule_is_tried_on_a_viewer_and_changes_nothing(editor):
    plain = listed(source="model")
    rule = made(editor, action="boost", movie=plain[5], places=5, enabled=False)
    page = reverse("admin:catalog_rule_preview", args=[rule.pk])
    answer = editor.get(page, {"viewer": ADA, "shelf": "recommend"})
    before, after = (column.rows[0][1] for column in answer.context["columns"])
    assert [card.movie_id for card in before] == plain
    assert [card.movie_id for card in after][:2] == [plain[5], plain[0]]
    assert (after[0].notes, after[0].is_highlighted) == (["▲ 5"], True)
    assert listed() == plain
    for shelf in ("home", "popular"):
        assert editor.get(page, {"viewer": ADA, "shelf": shelf}).status_code == 200
    assert editor.get(page, {"viewer": "x" * 129, "shelf": "recommend"}).context.get("columns") is None


def test_a_rule_is_tried_on_movies_like_a_movie(editor):
    plain = find_similar(STAR_WARS, 20, viewer_id=BEN).movie_ids
    rule = made(editor, action="boost", movie=plain[5], places=5, enabled=False, shelves=["similar"])
    page = reverse("admin:catalog_rule_preview", args=[rule.pk])
    assert editor.get(page).context["form"]["shelf"].value() == "similar"
    asked = {"viewer": BEN, "shelf": "similar"}
    before, after = (column.rows[0][1] for column in editor.get(page, asked | {"film": STAR_WARS}).context["columns"])
    assert [card.movie_id for card in before] == plain
    assert [card.movie_id for card in after][:2] == [plain[5], plain[0]]
    assert find_similar(STAR_WARS, 20, viewer_id=BEN).movie_ids == plain
    for film, told in (("", "Name the film"), (UNKNOWN_MOVIE, f"There is no film {UNKNOWN_MOVIE}.")):
        assert told in editor.get(page, asked | {"film": film}).content.decode()


def test_the_history_says_what_changed(editor):
    rule = made(editor, action="boost", movie=NEMO, places=5)
    made(editor, rule.pk, action="boost", movie=NEMO, places=7, ends_at=timezone.now() + timedelta(days=1))
    ended(editor, rule)
    entries = LogEntry.objects.filter(object_id=str(rule.pk)).order_by("pk")
    told = list(entries.values_list("change_message", flat=True))
    assert told[0] == "Added."
    assert "Places: 5 → 7" in told[1]
    assert "Ends at: none → " in told[1]
    assert told[2] == "Enabled: True → False"
    assert "5 → 7" in editor.get(reverse("admin:catalog_rule_history", args=[rule.pk])).content.decode()


def test_invalid_rules_are_refused(editor):
    page = reverse("admin:catalog_rule_add")
    wrong = {"name": "a rule", "by": "genre", "places": 0, "movie": NEMO}
    errors = submit(editor, page, wrong).context["adminform"].form.errors
    assert set(errors) == {"action", "genre", "places"}
    assert not Rule.objects.exists()


def test_no_more_rules_are_switched_on_than_may_be(editor, monkeypatch):
    monkeypatch.setattr(rules, "MAX_ACTIVE_RULES", 2)
    off = [made(editor, action="boost", movie=NEMO, enabled=False).pk for _ in range(2)]
    over = made(editor, action="boost", movie=NEMO, enabled=False, ends_at=timezone.now() - timedelta(days=1)).pk
    made(editor, action="boost", movie=NEMO)

    def switched_on(*chosen):
        changelist = reverse("admin:catalog_rule_changelist")
        editor_sees = run_action(editor, changelist, "enable", list(chosen), follow=True)
        return editor_sees.content.decode(), Rule.objects.filter(enabled=True).count()

    told, live = switched_on(*off, over)
    assert ("At most 2 rules may be switched on" in told, live) == (True, 1)
    told, live = switched_on(off[0], over)
    assert ("2 rules are now on" in told, live) == (True, 3)
    told, live = switched_on(off[1])
    assert ("At most 2 rules" in told, live) == (True, 3)
