"""Doubles count as one film: who saw one has seen the other, and no list has both."""

import json
from datetime import timedelta
from io import StringIO
from itertools import chain

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.utils import timezone

from catalog.models import Credit, Movie, Person, Rule, WatchEvent
from catalog.selectors import history
from catalog.services import NewEvent, bump_catalogue, delete_movies, publish_movies, record_events
from recommender import maintenance
from recommender.jobs import leases
from recommender.models import Job
from recommender.training import batch
from tests.support.api import recommended_ids
from tests.support.cast import ADA, BEN, CLEO, DAN, EVE, GODFATHER, NEMO, TOY_STORY, watch_event
from tests.support.forms import admin_url, run_action
from tests.support.jobs import stored_list
from tests.support.tiny_model import INVENTED, clear_caches

pytestmark = pytest.mark.usefixtures("model")
SPACE, CHILDREN, CRIME = INVENTED["Sci-Fi"], INVENTED["Children"], INVENTED["Crime"]


def make_double(movie_id, of):
    """Give a film the title and year of another."""
    other = Movie.objects.get(pk=of)
    Movie.objects.filter(pk=movie_id).update(title=other.title, year=other.year)
    bump_catalogue()


@pytest.fixture
def doubles(model):
    """A film that Ben saw, one that Cleo saw and two that nobody saw have a double each, which the model knows."""
    pairs = [(NEMO, CHILDREN[3]), (GODFATHER, CRIME[0]), (SPACE[0], SPACE[1]), (CRIME[5], SPACE[9])]
    for of, movie_id in pairs:
        make_double(movie_id, of)
    return [(str(of), str(movie_id)) for of, movie_id in pairs]


LISTS: dict[str, tuple[str, str, dict[str, object]]] = {
    "a viewer's own": ("GET", "/recommend", {"user_id": BEN}),
    "explained": ("GET", "/recommend", {"user_id": BEN, "explain": "true"}),
    "of a posted history": ("POST", "/recommend", {"history": [str(NEMO), str(TOY_STORY)]}),
    "of a posted history, all of it unknown to the model": ("POST", "/recommend", {"history": ["5300"]}),
    "of a viewer without a history": ("GET", "/recommend", {"user_id": EVE}),
    "filtered": ("POST", "/recommend/filtered", {"user_id": BEN, "genres": ["Children", "Crime", "Sci-Fi"]}),
    "diverse": ("POST", "/recommend", {"user_id": BEN, "diversity": 0.6}),
    "for a time": ("GET", "/recommend", {"user_id": BEN, "at": "2024-05-01T20:00:00Z"}),
    "with seen films": ("GET", "/recommend", {"user_id": BEN, "seen": "include"}),
    "by liked genres": ("POST", "/recommend", {"liked_genres": ["Sci-Fi"]}),
    "of a group": ("POST", "/recommend", {"user_ids": [BEN, CLEO]}),
    "popular": ("GET", "/popular", {"user_id": BEN}),
    "popular, for everybody": ("GET", "/popular", {}),
    "trending": ("GET", "/trending", {"user_id": BEN}),
    "latest": ("GET", "/latest", {"user_id": BEN}),
    "similar": ("POST", "/similar", {"movie_id": str(TOY_STORY), "user_id": BEN}),
    "similar, cacheable": ("GET", f"/similar/{SPACE[2]}", {}),
}

UNSEEN_BY_BEN = [
    name for name, (_, _, values) in LISTS.items() if values.get("user_id") == BEN and "seen" not in values
]


def call(client, method, path, values):
    return client.get(path, data=values) if method == "GET" else client.post(path, values)


def listed_ids(body):
    return [movie["movie_id"] for movie in body.get("recommendations", body.get("similar"))]


def all_pages(client, method, path, values, size=7):
    length = "final_k" if path.endswith("filtered") else "top_k"
    body = call(client, method, path, {**values, length: size})
    pages = [listed_ids(body)]
    while body["next"]:
        assert len(pages) < 40
        who = {name: values[name] for name in ("user_id",) if name in values}
        body = call(client, method, path, {**who, "cursor": body["next"]})
        pages.append(listed_ids(body))
    return pages


@pytest.mark.parametrize("name", LISTS)
def test_no_list_has_both_on_any_of_its_pages(api, doubles, name):
    pages = all_pages(api, *LISTS[name])
    films = [film for page in pages for film in page]
    assert len(films) == len(set(films))
    assert [pair for pair in doubles if set(pair) <= set(films)] == []
    if name != "trending":
        assert set(films) & set(doubles[2]), "one of them is listed"
        assert {len(page) for page in pages[:-1]} == {7}, "no page is short"


@pytest.mark.parametrize("name", UNSEEN_BY_BEN)
def test_who_saw_one_has_seen_the_other(api, doubles, name):
    films = {film for page in all_pages(api, *LISTS[name]) for film in page}
    assert not films & set(doubles[0])


def test_a_group_has_seen_what_one_member_saw_in_either(api, doubles):
    films = {film for page in all_pages(api, *LISTS["of a group"]) for film in page}
    assert not films & {*doubles[0], *doubles[1]}


def test_the_event_takes_the_other_off_the_next_list(api, doubles):
    before = api.get(f"/recommend?user_id={ADA}&top_k=50")
    [shown] = set(recommended_ids(before)) & set(doubles[2])
    [other] = set(doubles[2]) - {shown}
    record_events([watch_event(ADA, int(other), timezone.now())])
    for _ in range(2):
        after = api.get(f"/recommend?user_id={ADA}&top_k=50")
        assert not set(recommended_ids(after)) & set(doubles[2])
    assert after["source"] == "cache"
    assert after["removed"]["seen"] == before["removed"]["seen"] + 2, "both are out"


def test_a_dislike_and_an_exclusion_hold_for_the_other_too(api, doubles):
    assert doubles[2][1] not in recommended_ids(api.get(f"/recommend?user_id={ADA}&top_k=200&exclude={doubles[2][0]}"))
    record_events([NewEvent(ADA, SPACE[1], WatchEvent.Kind.DISLIKE, timezone.now())])
    for seen in ("exclude", "include"):
        films = recommended_ids(api.get(f"/recommend?user_id={ADA}&top_k=200&seen={seen}"))
        assert not set(films) & set(doubles[2])


def test_seen_films_are_listed_once(api, doubles):
    record_events([watch_event(BEN, CHILDREN[3], timezone.now())])
    only = recommended_ids(api.get(f"/recommend?user_id={BEN}&seen=only"))
    assert len(set(only) & set(doubles[0])) == 1
    assert str(TOY_STORY) in only


def test_of_two_the_one_that_may_be_shown_is_listed(api, doubles):
    films = recommended_ids(api.get(f"/recommend?user_id={ADA}&top_k=200"))
    [shown] = set(films) & set(doubles[2])
    [other] = set(doubles[2]) - {shown}
    publish_movies([int(shown)], published=False)
    assert other in recommended_ids(api.get(f"/recommend?user_id={ADA}&top_k=80"))
    assert other in recommended_ids(api.get("/popular?top_k=200"))
    assert other in chain.from_iterable(all_pages(api, "GET", f"/similar/{SPACE[2]}", {}))


def test_films_that_turn_out_to_differ_are_two(api, doubles):
    for movie_id, name in zip(doubles[0], ("Somebody", "Somebody Else"), strict=True):
        Credit.objects.filter(movie_id=movie_id).delete()
        person = Person.objects.create(name=name)
        Credit.objects.create(movie_id=movie_id, person=person, role=Credit.Role.DIRECTOR)
    bump_catalogue()
    record_events([watch_event(BEN, TOY_STORY, timezone.now())])
    assert doubles[0][1] in recommended_ids(api.get(f"/recommend?user_id={BEN}&top_k=200"))


def test_a_home_page_has_one_of_them(api, doubles):
    for viewer in (ADA, BEN, EVE):
        page = api.get(f"/home?user_id={viewer}&rows=20&row_length=12")
        films = [film["movie_id"] for row in page["rows"] for film in row["films"]]
        assert len(films) == len(set(films)) > 20
        assert [pair for pair in doubles if set(pair) <= set(films)] == []
        if viewer == BEN:
            assert not set(films) & set(doubles[0])


def test_what_was_seen_in_a_double_is_not_to_be_continued(api, doubles):
    record_events([NewEvent(BEN, CHILDREN[3], WatchEvent.Kind.PROGRESS, timezone.now(), completion=0.3)])
    record_events([NewEvent(BEN, CHILDREN[4], WatchEvent.Kind.PROGRESS, timezone.now(), completion=0.3)])
    page = api.get(f"/home?user_id={BEN}&rows=20")
    [started] = [row for row in page["rows"] if row["kind"] == "continue_watching"]
    assert [film["movie_id"] for film in started["films"]] == [str(CHILDREN[4])]


def test_lists_made_ahead_of_time_and_in_bulk_follow(api, site, doubles, django_assert_num_queries):
    maintenance.repair_versions()  # as beat does every few seconds
    batch.run(leases.claim(Job.objects.create(kind=Job.Kind.BATCH).pk))
    for viewer in (ADA, BEN, CLEO, DAN):
        films = set(map(str, stored_list(viewer).movie_ids.tolist()))
        seen = set(map(str, history(viewer).movie_ids.tolist()))
        assert len(films) > 50
        for pair in doubles:
            assert len(films & set(pair)) == (0 if seen & set(pair) else 1)
    api.get(f"/recommend?user_id={ADA}&top_k=1")  # this process reads the catalogue, and which experiments run
    with django_assert_num_queries(0):
        cached = api.get(f"/recommend?user_id={BEN}&top_k=20")
    assert cached["source"] == "cache"

    histories = {str(BEN): [], "9": [str(NEMO)], "10": [str(SPACE[3])]}
    answers = site.post("/batch/recommend", {"user_histories": histories, "top_k": 60})["results"]
    for viewer, answer in answers.items():
        films = {film["movie_id"] for film in answer}
        assert [pair for pair in doubles if set(pair) <= films] == []
        assert bool(films & set(doubles[0])) == (viewer == "10")


def test_a_pinned_film_takes_the_place_of_its_double(api, doubles):
    api.get(f"/recommend?user_id={ADA}&top_k=9")  # stored before the rule
    [shown] = set(recommended_ids(api.get(f"/recommend?user_id={ADA}&top_k=50"))) & set(doubles[2])
    [pinned] = set(doubles[2]) - {shown}
    Rule.objects.create(name="Pin", action="pin", by="movie", movie_id=int(pinned), places=2)
    bump_catalogue()
    for address in (f"/recommend?user_id={ADA}", f"/recommend?user_id={ADA}", "/popular?", f"/similar/{SPACE[2]}?"):
        body = api.get(f"{address}&top_k=20")
        assert listed_ids(body)[1] == pinned, address
        assert shown not in listed_ids(body), address
    assert api.get(f"/recommend?user_id={ADA}&top_k=20")["source"] == "cache"
    films = [film["movie_id"] for row in api.get(f"/home?user_id={ADA}&rows=20")["rows"] for film in row["films"]]
    assert (films.count(pinned), films.count(shown)) == (1, 0)
    Rule.objects.all().update(movie_id=CHILDREN[3])
    bump_catalogue()
    assert str(CHILDREN[3]) not in listed_ids(api.get(f"/recommend?user_id={BEN}&top_k=20")), "Ben saw its double"


def test_no_film_is_the_reason_for_its_double(api, doubles):
    record_events([watch_event(ADA, SPACE[0], timezone.now()), watch_event(ADA, SPACE[1], timezone.now())])
    address = f"/recommend?user_id={ADA}&top_k=60&explain=true&seen=include"
    for entry in api.get(address)["recommendations"]:
        causes = [cause["movie_id"] for cause in entry["because"]]
        assert len(set(causes) & set(doubles[2])) < 2, "two doubles are one cause"
        assert not (entry["movie_id"] in doubles[2] and set(causes) & set(doubles[2]))


@pytest.mark.parametrize(
    "name", ["a viewer's own", "filtered", "popular, for everybody", "similar, cacheable", "of a group", "for a time"]
)
def test_a_catalogue_in_which_each_film_is_there_twice(api, model, name):
    """Every list is as long as it was asked for, and ends with the last film."""
    clear_caches()
    for genre, other in ((SPACE[:10], SPACE[10:]), (CHILDREN[:10], CHILDREN[10:]), (CRIME[:10], CRIME[10:])):
        for movie_id, twin in zip(genre, other, strict=True):
            Movie.objects.filter(pk=twin).update(title=f"Title of {movie_id}", year=1999)
            Movie.objects.filter(pk=movie_id).update(title=f"Title of {movie_id}", year=1999)
    bump_catalogue()
    pages = all_pages(api, *LISTS[name])
    films = [film for page in pages for film in page]
    titles = list(Movie.objects.filter(pk__in=films).values_list("title", flat=True))
    assert len(titles) == len(set(titles)) == len(films)
    assert {len(page) for page in pages[:-1]} == {7}
    twins = {f"Title of {movie_id}" for movie_id in (*SPACE[:10], *CHILDREN[:10], *CRIME[:10])}
    asked = {f"Title of {SPACE[2]}"} if name == "similar, cacheable" else set()
    assert twins - asked <= set(titles)


def test_a_cursor_sent_again_does_not_bring_a_double_of_what_was_seen_since(api, doubles):
    first = api.get(f"/recommend?user_id={ADA}&top_k=5")
    second = api.get(f"/recommend?user_id={ADA}&cursor={first['next']}&top_k=60")
    [shown] = (set(recommended_ids(first)) | set(recommended_ids(second))) & set(doubles[2])
    [other] = set(doubles[2]) - {shown}
    record_events([watch_event(ADA, int(other), timezone.now() - timedelta(minutes=1))])
    again = api.get(f"/recommend?user_id={ADA}&cursor={first['next']}&top_k=60")
    assert shown not in recommended_ids(again)


def test_a_film_is_not_similar_to_its_double(api, doubles):
    for movie_id in doubles[2]:
        films = {film for page in all_pages(api, "GET", f"/similar/{movie_id}", {}) for film in page}
        assert len(films) > 50
        assert not set(doubles[2]) & films


def report():
    out = StringIO()
    call_command("catalogue_report", "--json", stdout=out)
    return json.loads(out.getvalue())


def say(editor, action, *movie_ids):
    """Choose films in the list and run an action, as staff do; return the message."""
    answer = run_action(
        editor, f"{admin_url('movie')}?all=", action, [int(movie_id) for movie_id in movie_ids], follow=True
    )
    [message] = answer.context["messages"]
    return str(message)


def test_staff_say_that_films_are_one(api, editor, doubles):
    """Other titles, years and directors; a stored list that was made before follows too."""
    pair = (str(SPACE[4]), str(CRIME[4]))
    before = recommended_ids(api.get(f"/recommend?user_id={ADA}&top_k=200"))
    assert set(pair) <= set(before)
    assert say(editor, "join", *pair) == "2 films now count as one film."
    assert len(set(pair) & set(recommended_ids(api.get(f"/recommend?user_id={ADA}&top_k=200")))) == 1

    page = editor.get(admin_url("movie", "change", pair[0])).content.decode()
    assert "It counts as one film with" in page
    record_events([watch_event(ADA, CRIME[4], timezone.now())])
    assert not set(pair) & set(recommended_ids(api.get(f"/recommend?user_id={ADA}&top_k=200")))

    third = str(CHILDREN[6])
    say(editor, "join", pair[1], third)
    assert not {*pair, third} & set(recommended_ids(api.get(f"/recommend?user_id={ADA}&top_k=200")))
    assert "Counts as one film, of 2 films." in editor.get(admin_url("movie", "history", third)).content.decode()
    say(editor, "forget", pair[1])
    listed = set(recommended_ids(api.get(f"/recommend?user_id={ADA}&top_k=200")))
    assert len({pair[0], third} & listed) == 1, "these two are still one, of which nothing was seen"


def test_staff_say_that_films_are_not_one(api, editor, doubles):
    api.get(f"/recommend?user_id={BEN}")
    assert say(editor, "part", *doubles[0]) == "2 films now count as films of their own."
    assert doubles[0][1] in recommended_ids(api.get(f"/recommend?user_id={BEN}&top_k=200"))
    [same] = [entry["films"] for entry in report()["doubles"]["listed"] if {doubles[0][0]} in map(set, entry["films"])]
    assert same == [[doubles[0][1]], [doubles[0][0]]]
    assert say(editor, "forget", doubles[0][0]) == "1 film now counts as what their titles and years tell."


def test_one_film_alone_is_not_joined(api, editor, doubles):
    assert say(editor, "join", doubles[0][0]) == "Choose 2 to 20 films that are one."
    assert not Movie.objects.exclude(double_of=None).exists()


def test_a_film_that_staff_joined_and_that_is_gone_has_no_double(api, editor, doubles):
    say(editor, "join", SPACE[4], CRIME[4])
    delete_movies([SPACE[4]])
    assert str(CRIME[4]) in recommended_ids(api.get(f"/recommend?user_id={ADA}&top_k=200"))


def test_who_may_not_change_films_is_not_asked(client, cast):
    user = User.objects.create_user("looks", is_staff=True)
    user.groups.add(Group.objects.get(name="analyst"))
    client.force_login(user)
    client.post(admin_url("movie"), {"action": "join", "_selected_action": [NEMO, GODFATHER], "index": 0})
    assert not Movie.objects.exclude(double_of=None).exists()
