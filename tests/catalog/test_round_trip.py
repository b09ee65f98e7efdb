"""What an export writes comes back whole: into an empty database, and twice into its own."""

import json
import re

import pytest
from django.conf import settings as django_settings
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from catalog.exchange import row_import
from catalog.models import Credit, Movie, Person, Tag, Viewer, WatchEvent
from catalog.selectors import movie_tags
from recommender import tasks
from tests.support.cast import ADA, AMELIE, BEN, NEMO, TOY_STORY
from tests.support.exchange import export_lines, import_file
from tests.support.imports import CSV, JSONL, json_lines, post_rows, run_import
from tests.support.round_trips import empty_database, store_random_site

pytestmark = pytest.mark.django_db
KINDS = ("genres", "movies", "people", "viewers", "events")


def export_all():
    """Return the files of each form and kind. Progress is stored behind the other events of a file."""
    files = {(form, kind): export_lines(kind, form) for form in ("jsonl", "csv") for kind in KINDS}
    return files | {place: sorted(text.splitlines()) for place, text in files.items() if place[1] == "events"}


def import_all(folder, form):
    """Import the files of a form. Returns the rejected rows."""
    return [row for kind in KINDS for row in import_file(kind, folder / f"{kind}.{form}")[1]]


def write_all(folder, form):
    """Write the files of a form."""
    for kind in KINDS:
        (folder / f"{kind}.{form}").write_bytes(export_lines(kind, form).encode())


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(st.data(), st.sampled_from(["csv", "jsonl"]))
def test_any_site_comes_back_whole_and_a_second_import_changes_nothing(tmp_path, data, form):
    empty_database()
    store_random_site(data)
    before = export_all()
    write_all(tmp_path, form)
    assert import_all(tmp_path, form) == []
    assert export_all() == before
    empty_database()
    for _ in range(2):
        assert import_all(tmp_path, form) == []
        assert export_all() == before


@pytest.mark.usefixtures("cast")
@pytest.mark.parametrize("text", ["\rOld Mac", "one\rtwo", "one\r\ntwo", "\n", '"\r"', "\x0b\x85\u2028"])
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_every_kind_of_line_end_comes_back(tmp_path, text, form):
    Movie.objects.filter(pk=NEMO).update(overview=text)
    before = export_all()
    write_all(tmp_path, form)
    empty_database()
    assert import_all(tmp_path, form) == []
    assert export_all() == before
    assert Movie.objects.get(pk=NEMO).overview == text


def films_of(**person):
    """Return the films that a person is credited in."""
    return {
        *Credit.objects.filter(**{f"person__{name}": value for name, value in person.items()}).values_list(
            "movie_id", flat=True
        )
    }


@pytest.mark.usefixtures("cast")
@pytest.mark.parametrize("kinds", [("movies",), ("movies", "people")])
def test_two_people_of_one_name_stay_two(tmp_path, kinds):
    for film, ids in ((NEMO, {"imdb_id": "nm0000021"}), (TOY_STORY, {"tmdb_id": 31}), (AMELIE, {})):
        person = Person.objects.create(name="Sam Field", **ids)
        Credit.objects.create(movie_id=film, person=person, role=Credit.Role.ACTOR, order=5)
    other = Person.objects.get(imdb_id="nm0000021")
    Credit.objects.create(movie_id=TOY_STORY, person=other, role=Credit.Role.ACTOR, order=6)
    write_all(tmp_path, "csv")
    empty_database()
    for _ in range(2):
        for kind in kinds:
            assert import_file(kind, tmp_path / f"{kind}.csv")[1] == []
        assert films_of(imdb_id="nm0000021") == {NEMO, TOY_STORY}
        assert films_of(tmdb_id=31) == {TOY_STORY}
        assert films_of(name="Sam Field", imdb_id="", tmdb_id=None) == {AMELIE}
    actors = Movie.objects.get(pk=TOY_STORY).credits.filter(role=Credit.Role.ACTOR)
    assert [record.person.name for record in actors] == ["Tom Hanks", "Tim Allen", "Sam Field", "Sam Field"]


@pytest.mark.usefixtures("cast")
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_shared_id_drops_neither_film_nor_credits_nor_events(tmp_path, form):
    Movie.objects.filter(pk__in=[NEMO, TOY_STORY]).update(tmdb_id=12, imdb_id="tt0266543")
    before = export_all()
    events, credits_ = WatchEvent.objects.count(), Credit.objects.count()
    write_all(tmp_path, form)
    empty_database()
    assert import_all(tmp_path, form) == []
    assert export_all() == before
    assert (WatchEvent.objects.count(), Credit.objects.count()) == (events, credits_)


@pytest.mark.usefixtures("cast")
def test_an_id_of_another_film_is_refused_unless_the_row_says_that_both_are_meant(tmp_path):
    Movie.objects.filter(pk=NEMO).update(tmdb_id=12)
    path = tmp_path / "films.csv"
    path.write_text("movie_id,title,tmdb_id\nsku-1,Nemo again,12\n")
    [(line, field, reason)] = import_file("movies", path)[1]
    assert (line, field) == (2, "tmdb_id")
    assert reason == f"film {NEMO} has this one. Where both are meant, say shared_ids."
    path.write_text("movie_id,title,tmdb_id,shared_ids\nsku-1,Nemo again,12,true\n")
    assert import_file("movies", path)[1] == []
    assert Movie.objects.filter(tmdb_id=12).count() == 2


OLD_FILES = {
    "genres": "name,aliases\nDrama,Dramas|Theatre\n",
    "movies": "title,year,genres,directors,actors,imdb_id,tmdb_id,movie_id,title:de\n"
    "One,1999,Drama,Sam Field,Ann Lee|Sam Field,tt0000042,,70001,Eins\n",
    "people": "movie_id,name,role,order\n70001,Sam Field,director,0\n70001,Ann Lee,actor,3\n",
    "viewers": "user_id,name,age_limit,country,language,session\n7,Ada,12,DE,de,false\n",
    "events": "user_id,movie_id,kind,occurred_at,rating,completion,event_id,session\n"
    "7,70001,rating,2020-01-01T00:00:00+00:00,4.5,,,false\n",
}


def test_files_of_an_older_version_still_come_in(tmp_path):
    for _ in range(2):
        for kind, text in OLD_FILES.items():
            (tmp_path / f"{kind}.csv").write_text(text)
            assert import_file(kind, tmp_path / f"{kind}.csv")[1] == []
        assert {*films_of(name="Sam Field")} == {70001}
        assert Person.objects.count() == 2
        assert Viewer.objects.get().age_limit == 12
        assert WatchEvent.objects.get().rating == 4.5


@pytest.mark.usefixtures("cast")
def test_credits_with_ids_tell_who_was_known_by_name(tmp_path):
    path = tmp_path / "people.csv"
    header = "movie_id,name,role,order,imdb_id,tmdb_id\n"
    path.write_text(
        f"{header}{TOY_STORY},Tom Hanks,actor,0,nm0000158,31\n{NEMO},Tom Hanks,actor,7,nm0000999,\n"
        f"{NEMO},Ellen DeGeneres,actor,1,nm1122,\n{NEMO},X,actor,2,tt0000001,\n"
    )
    [(line, field, reason)] = import_file("people", path)[1]
    assert (line, field) == (5, "imdb_id")
    assert "nm0000138" in reason
    assert films_of(imdb_id="nm0000158", tmdb_id=31) == {TOY_STORY}
    assert films_of(imdb_id="nm0000999") == {NEMO}
    assert films_of(name="Tom Hanks", imdb_id="") != set()  # the rows say nothing of Toy Story 2
    assert films_of(name="Ellen DeGeneres") == films_of(imdb_id="nm0001122") == {NEMO}
    assert Person.objects.filter(name="Ellen DeGeneres").count() == 1
    path.write_text(f"{header}{TOY_STORY},Thomas Hanks,director,0,,31\n")
    assert import_file("people", path)[1] == []
    assert Person.objects.get(tmdb_id=31).name == "Tom Hanks"


@pytest.mark.usefixtures("cast")
def test_tags_people_and_doubles_as_other_files_write_them(tmp_path):
    path = tmp_path / "films.jsonl"
    rows = [
        {"movie_id": NEMO, "tags": ["sea", "fish=3"], "added_at": "2020-05-01T00:00:00Z", "double_of": TOY_STORY},
        {"movie_id": TOY_STORY, "tags": {"a|b": 2}, "actors": ["A", "A"], "actor_ids": ["nm1", "tmdb:5 nm2"]},
        {"movie_id": AMELIE, "double_of": "nothing"},
        {"movie_id": AMELIE, "actors": ["A"], "actor_ids": ["nm1", "nm2"]},
        {"movie_id": AMELIE, "tags": {"x": 0}},
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert [(line, field) for line, field, _ in import_file("movies", path)[1]] == [
        (3, "double_of"), (4, "actor_ids"), (5, "tags"),
    ]  # fmt: skip
    assert sorted(movie_tags(NEMO, 5)) == [("fish", 3), ("sea", 1)]
    assert [tag for tag, _ in movie_tags(TOY_STORY, 5)] == ["a|b"]
    assert Movie.objects.get(pk=NEMO).added_at.year == 2020
    assert Movie.objects.get(pk=NEMO).double_of == TOY_STORY
    assert {*Person.objects.filter(name="A").values_list("imdb_id", "tmdb_id")} == {
        ("nm0000001", None),
        ("nm0000002", 5),
    }
    path.write_text(json.dumps({"movie_id": NEMO, "tags": [], "double_of": None}))
    assert import_file("movies", path)[1] == []
    assert movie_tags(NEMO, 5) == []
    assert Movie.objects.get(pk=NEMO).double_of is None
    assert Tag.objects.exists()


@pytest.mark.usefixtures("cast")
def test_a_profile_beyond_what_its_account_may_have_is_refused(tmp_path):
    limit = django_settings.PROFILES_PER_ACCOUNT
    path = tmp_path / "viewers.csv"
    rows = [f"p{n},home,{n % 2 == 0}" for n in range(limit + 1)]
    path.write_text("user_id,account,session\n" + "\n".join([*rows, f"{BEN},,false"]))
    [(line, field, reason)] = import_file("viewers", path)[1]
    assert (line, field) == (limit + 2, "account")
    assert f"{limit} profiles" in reason
    members = Viewer.objects.filter(account="home")
    assert (members.count(), members.filter(is_session=True).count()) == (limit, 0)
    assert len(import_file("viewers", path)[1]) == 1


@pytest.mark.usefixtures("transactional_db", "cast")
def test_a_key_that_looks_like_a_number_stays_what_it_is(site):
    for key in ("42.0", " 42", "'42"):
        body = {"user_id": key, "movie_id": NEMO, "kind": "watch", "occurred_at": "2024-05-01T00:00:00Z"}
        site.post("/events", body)
    for form in ("csv", "jsonl"):
        for kind in ("viewers", "events"):
            text = b"".join(site.client.get(f"/exports/{kind}.{form}").streaming_content)
            content_type = CSV if form == "csv" else JSONL
            job = run_import(site, post_rows(site, kind, text, content_type))
            assert job["result"]["rejected"] == 0
        assert {*Viewer.objects.exclude(key=None).values_list("key", flat=True)} == {"42.0", " 42", "'42"}
        assert not Viewer.objects.filter(pk=42).exists()
    waiting = post_rows(
        site,
        "events",
        json_lines({"user_id": "s", "movie_id": 1, "kind": "like", "occurred_at": 1_700_000_000, "session": True}),
    )
    site.post("/users/merge", {"from_user_id": "s", "into_user_id": "42.0"})
    assert run_import(site, waiting)["result"]["stored"] == 1
    assert WatchEvent.objects.get(kind=WatchEvent.Kind.LIKE, movie=1).viewer.key == "42.0"


@pytest.mark.usefixtures("transactional_db", "cast")
def test_events_date_only_the_viewers_whom_they_bring(site, tmp_path, monkeypatch):
    """Over several steps; so the day on which the others came is what it was, and who was brought can be taken back."""
    monkeypatch.setattr(row_import, "BLOCK_SIZE", 1)
    came = site.get(f"/users/{ADA}")["created_at"]
    rows = [
        {"user_id": viewer, "movie_id": str(NEMO), "kind": "watch", "occurred_at": day}
        for day in ("2019-03-01T00:00:00Z", "2018-02-01T00:00:00Z", "2020-04-01T00:00:00Z")
        for viewer in (ADA, "new")
    ]
    (tmp_path / "events.jsonl").write_bytes(json_lines(*rows))
    said, rejected = import_file("events", tmp_path / "events.jsonl")
    assert rejected == []
    assert site.get(f"/users/{ADA}")["created_at"] == came
    assert site.get("/users/new")["created_at"].startswith("2018-02-01T00:00:00")
    [job] = re.findall(r"DELETE /jobs/(\S+)/import", said)
    undo = site.delete(f"/jobs/{job}/import", expect=202)["job_id"]
    tasks.run_import_undo(undo)
    result = site.get(f"/jobs/{undo}")["result"]
    assert (result["deleted"]["viewers"], result["left"], result["changed"]) == (1, {}, 0)


@pytest.mark.usefixtures("transactional_db", "cast")
def test_of_two_days_on_which_a_viewer_came_the_earlier_counts(site, tmp_path):
    came = site.get(f"/users/{ADA}")["created_at"]
    for day, kept in (("2999-01-01T00:00:00Z", came), ("2001-01-01T00:00:00Z", "2001-01-01T00:00:00")):
        rows = [{"user_id": viewer, "created_at": day} for viewer in (ADA, f"of {day}")]
        (tmp_path / "viewers.jsonl").write_bytes(json_lines(*rows))
        assert import_file("viewers", tmp_path / "viewers.jsonl")[1] == []
        assert site.get(f"/users/{ADA}")["created_at"].startswith(kept)
        assert site.get(f"/users/of {day}")["created_at"] < "2030"
