"""What a viewer takes back, corrects, starts or sees again, at the API: the next read, the home page, seen films."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import caches
from django.core.management import call_command

from catalog import selectors
from catalog.models import Movie, WatchEvent
from catalog.selectors.watch_counts import AUDIENCES
from catalog.services import bump_catalogue
from recommender import maintenance, process_state
from recommender.jobs import leases
from recommender.models import Job
from recommender.training import batch
from tests.support.api import recommended_ids
from tests.support.cast import ADA, BEN, EMPIRE, EVE, GODFATHER, JEDI, MATRIX, NEMO, STAR_WARS, TOY_STORY
from tests.support.histories import training_histories
from tests.support.jobs import stored_list
from tests.support.tiny_model import INVENTED

pytestmark = pytest.mark.usefixtures("model")
SCI_FI, COMEDY = INVENTED["Sci-Fi"], INVENTED["Children"]
LONG_AGO = datetime.now(UTC) - timedelta(days=400)


def say(site, *kinds, movie, viewer=EVE, at=None, **more):
    """Report events of these kinds, a second apart."""
    at = at or datetime.now(UTC) - timedelta(hours=1)
    events = [
        {
            "user_id": viewer,
            "movie_id": str(movie),
            "kind": kind,
            "occurred_at": (at + timedelta(seconds=n)).isoformat(),
        }
        | ({"rating": more["rating"]} if kind == "rating" else {})
        | ({"completion": more["completion"]} if "completion" in more and kind in ("watch", "progress") else {})
        for n, kind in enumerate(kinds)
    ]
    body = site.post("/events", events)
    assert (body["stored"], body["visible"]) == (len(events), True)


def listed(site, viewer=ADA, **more):
    query = "&".join(f"{name}={value}" for name, value in {"top_k": 200, **more}.items())
    return set(map(int, recommended_ids(site.get(f"/recommend?user_id={viewer}&{query}"))))


# The next read -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "taken_back"),
    [
        ("dislike", "undislike"),
        ("dislike", "like"),
        ("not_interested", "interested"),
        ("watch", "unwatch"),
        ("rating", "unwatch"),
    ],
)
def test_what_is_taken_back_is_true_on_the_next_read(site, said, taken_back):
    assert SCI_FI[1] in listed(site)
    say(site, said, movie=SCI_FI[1], viewer=ADA, rating=5)
    assert SCI_FI[1] not in listed(site)
    assert site.get(f"/recommend?user_id={ADA}&top_k=10")["source"] == "cache"
    say(site, taken_back, movie=SCI_FI[1], viewer=ADA, at=datetime.now(UTC) - timedelta(minutes=1))
    assert SCI_FI[1] in listed(site)


def test_taken_back_is_as_never_said(site):
    before = site.get(f"/recommend?user_id={ADA}&top_k=50")["recommendations"]
    say(site, "like", "unlike", movie=SCI_FI[1], viewer=ADA)
    say(site, "watch", "rewatch", "unwatch", movie=SCI_FI[2], viewer=ADA)
    say(site, "not_interested", "interested", movie=SCI_FI[3], viewer=ADA)
    say(site, "progress", movie=SCI_FI[4], viewer=ADA, completion=0.3)
    after = site.get(f"/recommend?user_id={ADA}&top_k=50")
    assert (after["source"], after["recommendations"]) == ("model", before)


@pytest.mark.parametrize("stars", [1, 5])
def test_a_corrected_rating_is_as_the_newest_alone(site, stars):
    for movie in (STAR_WARS, *SCI_FI[1:4]):
        say(site, "watch", movie=movie, viewer=601, at=LONG_AGO)
        say(site, "watch", movie=movie, viewer=602, at=LONG_AGO)
    for movie in (SCI_FI[5], COMEDY[5]):
        say(site, "rating", movie=movie, viewer=601, rating=6 - stars)
        for viewer in (601, 602):
            say(site, "rating", movie=movie, viewer=viewer, rating=stars, at=datetime.now(UTC) - timedelta(minutes=9))
    [corrected, newest] = [site.get(f"/recommend?user_id={viewer}&top_k=60") for viewer in (601, 602)]
    assert corrected["recommendations"] == newest["recommendations"]
    assert corrected["removed"] == newest["removed"]


def test_a_film_is_seen_from_a_share_on(site, settings):
    say(site, "watch", movie=SCI_FI[1], viewer=ADA, completion=0.69)
    say(site, "progress", movie=SCI_FI[2], viewer=ADA, completion=0.1)
    assert {SCI_FI[1], SCI_FI[2]} <= listed(site)
    say(site, "progress", movie=SCI_FI[2], viewer=ADA, completion=0.7, at=datetime.now(UTC))
    assert listed(site) & {SCI_FI[1], SCI_FI[2]} == {SCI_FI[1]}
    settings.SEEN_SHARE = 0.5
    process_state.clear()  # a setting changes with a restart
    assert not listed(site, at=datetime.now(UTC).timestamp()) & {SCI_FI[1], SCI_FI[2]}


def test_request_batch_and_training_read_the_same(site, tmp_path):
    """A viewer of many second thoughts, and one who said at once what holds."""
    first, second = 701, 702
    steps = [("watch", 1), ("watch", 2), ("dislike", 3), ("watch", 4), ("rating", 5)]
    for n, (kind, film) in enumerate(steps):
        for viewer in (first, second):
            say(site, kind, movie=SCI_FI[film], viewer=viewer, rating=5, at=LONG_AGO + timedelta(days=n))
    later = LONG_AGO + timedelta(days=50)
    say(site, "like", "unlike", "not_interested", "interested", movie=SCI_FI[1], viewer=first, at=later)
    say(site, "rating", movie=SCI_FI[5], viewer=first, rating=5, at=later)
    say(site, "rewatch", movie=SCI_FI[4], viewer=first, at=later)
    say(site, "progress", movie=COMEDY[1], viewer=first, completion=0.2, at=later)
    say(site, "watch", "unwatch", movie=COMEDY[2], viewer=first, at=later)

    histories = training_histories(tmp_path)
    rows = [
        slice(*histories.indptr[histories.viewers.tolist().index(viewer) :][:2].tolist()) for viewer in (first, second)
    ]
    for column in (histories.movie_ids, histories.kinds, histories.times):
        assert column[rows[0]].tolist() == column[rows[1]].tolist()
    assert set(histories.kinds.tolist()) <= set(range(1, 7)), "kinds that the model knows"

    [by_request, by_request_of_second] = [
        site.get(f"/recommend?user_id={viewer}&top_k=60") for viewer in (first, second)
    ]
    assert by_request["recommendations"] == by_request_of_second["recommendations"]
    caches["lists"].clear()
    maintenance.repair_versions()
    batch.run(leases.claim(Job.objects.create(kind=Job.Kind.BATCH, parameters={}).pk))
    assert stored_list(first).movie_ids.tolist() == stored_list(second).movie_ids.tolist()
    assert stored_list(first).movie_ids[:60].tolist() == list(map(int, recommended_ids(by_request)))
    assert stored_list(first).exclusion_counts == stored_list(second).exclusion_counts


# Histories of any length ---------------------------------------------------------------------------------------------


def test_none_of_five_thousand_seen_films_comes_back(site, api):
    Movie.objects.bulk_create(Movie(id=900_000 + n, title=f"Film {n}") for n in range(4_900))
    bump_catalogue()
    seen = [*(900_000 + n for n in range(4_900)), *SCI_FI[:19]]
    events = [
        {
            "user_id": EVE,
            "movie_id": str(movie),
            "kind": "watch",
            "occurred_at": (LONG_AGO + timedelta(minutes=n)).isoformat(),
        }
        for n, movie in enumerate(seen)
    ]
    for start in range(0, len(events), 1000):
        site.post("/events", events[start : start + 1000])
    body = site.get(f"/recommend?user_id={EVE}&top_k=200")
    assert body["removed"]["seen"] == len(seen)
    assert SCI_FI[19] in set(map(int, recommended_ids(body)))
    assert not set(map(int, recommended_ids(body))) & set(seen)
    assert not set(stored_list(EVE).movie_ids.tolist()) & set(seen)
    batch.run(leases.claim(Job.objects.create(kind=Job.Kind.BATCH, parameters={}).pk))
    assert not set(stored_list(EVE).movie_ids.tolist()) & set(seen)

    posted = api.post("/recommend", {"history": [str(movie) for movie in [*SCI_FI[:19], *seen]], "top_k": 200})
    assert not set(map(int, recommended_ids(posted))) & set(seen), "the oldest are barred too"
    newest = api.post("/recommend", {"history": [str(movie) for movie in seen[-1000:]], "top_k": 200})
    shared = [row for row in newest["recommendations"] if int(row["movie_id"]) not in seen]
    assert shared == [row for row in posted["recommendations"] if row in shared], "the newest 1,000 are what it goes by"
    too_many = api.post("/recommend", {"history": ["1"] * 10_001}, expect=400)
    assert "10000" in too_many["errors"][0]["detail"]


# Lists with seen films -----------------------------------------------------------------------------------------------


def test_seen_films_are_listed_if_asked_for(site):
    say(site, "watch", "dislike", movie=SCI_FI[1], viewer=ADA)
    say(site, "watch", "rating", movie=SCI_FI[2], viewer=ADA, rating=1)
    say(site, "watch", "like", movie=SCI_FI[3], viewer=ADA)
    unseen = listed(site)
    everything = listed(site, seen="include")
    only = listed(site, seen="only")
    assert unseen < everything
    assert only < everything - unseen
    assert {SCI_FI[2], SCI_FI[3], STAR_WARS} <= everything
    assert SCI_FI[1] not in everything | only, "disliked"
    assert SCI_FI[2] not in only, "of bad stars"
    assert {SCI_FI[3], STAR_WARS} <= only
    body = site.get(f"/recommend?user_id={ADA}&top_k=5&seen=include")
    assert (body["source"], "seen" in body["removed"]) == ("model", False)
    assert site.get(f"/recommend?user_id={ADA}&top_k=5")["source"] == "cache"
    assert listed(site) == unseen, "the stored list is of unseen films"


@pytest.mark.parametrize("path", ["popular", "latest"])
def test_charts_with_seen_films(site, path):
    def films(seen):
        body = site.get(f"/{path}?user_id={ADA}&top_k=200&seen={seen}")
        return set(map(int, recommended_ids(body)))

    assert STAR_WARS not in films("exclude")
    assert STAR_WARS in films("include")
    assert films("only") <= films("include") - films("exclude")
    assert STAR_WARS in films("only")


def test_similar_and_filtered_and_batch_with_seen_films(site):
    def similar(seen):
        body = site.post("/similar", {"movie_id": str(JEDI), "user_id": ADA, "top_k": 200, "seen": seen})
        return {int(film["movie_id"]) for film in body["similar"]}

    assert STAR_WARS not in similar("exclude")
    assert STAR_WARS in similar("include") & similar("only")
    filtered = {"user_id": ADA, "genres": ["Sci-Fi"], "seen": "only"}
    films = set(map(int, recommended_ids(site.post("/recommend/filtered", filtered))))
    assert films <= listed(site, seen="only")
    assert STAR_WARS in films
    several = site.post("/batch/recommend", {"user_histories": {str(ADA): [], str(BEN): []}, "seen": "only"})
    for viewer in (ADA, BEN):
        of_batch = {int(film["movie_id"]) for film in several["results"][str(viewer)]}
        assert of_batch == listed(site, viewer, seen="only", top_k=20)


def test_seen_films_of_a_posted_history_and_of_nobody(api, site):
    posted = {"history": [str(STAR_WARS), str(EMPIRE), str(MATRIX)], "seen": "only"}
    assert set(recommended_ids(api.post("/recommend", posted))) == set(posted["history"])
    nothing = site.get(f"/recommend?user_id={EVE}&seen=only")
    assert (nothing["recommendations"], "seen=only" in nothing["reason"]) == ([], True)
    error = api.post("/recommend", {"user_ids": [ADA, BEN], "seen": "include"}, expect=400)["errors"][0]
    assert error["pointer"] == "#/seen"
    assert api.get("/popular?seen=perhaps", expect=400)["errors"][0]["parameter"] == "seen"


def test_a_seen_film_is_no_reason_for_itself(site):
    body = site.get(f"/recommend?user_id={ADA}&top_k=10&seen=only&explain=true")
    assert body["recommendations"]
    for film in body["recommendations"]:
        assert film["movie_id"] not in [cause["movie_id"] for cause in film["because"]]


# The home page -------------------------------------------------------------------------------------------------------


def rows(site, viewer=ADA, **more):
    query = "&".join(f"{name}={value}" for name, value in {"rows": 20, **more}.items())
    return {row["kind"]: row for row in site.get(f"/home?user_id={viewer}&{query}")["rows"]}


def film_ids(row):
    return [int(film["movie_id"]) for film in row["films"]]


def test_home_goes_on_with_what_was_started(site):
    assert "continue_watching" not in rows(site)
    now = datetime.now(UTC)
    say(site, "progress", movie=SCI_FI[1], viewer=ADA, completion=0.25, at=now - timedelta(days=3))
    say(site, "watch", movie=SCI_FI[2], viewer=ADA, completion=0.4, at=now - timedelta(days=1))
    say(site, "progress", movie=SCI_FI[3], viewer=ADA, completion=0.4, at=now - timedelta(days=90))
    say(site, "progress", "dislike", movie=SCI_FI[4], viewer=ADA, completion=0.4, at=now - timedelta(days=1))
    say(site, "progress", movie=SCI_FI[5], viewer=ADA, completion=0.95, at=now - timedelta(days=1))
    body = site.get(f"/home?user_id={ADA}&rows=20")
    row = body["rows"][0]
    assert (row["kind"], row["source"], film_ids(row)) == ("continue_watching", "history", [SCI_FI[2], SCI_FI[1]])
    assert [film["completion"] for film in row["films"]] == [0.4, 0.25]
    everything = [film for row in body["rows"] for film in film_ids(row)]
    assert len(everything) == len(set(everything))
    assert not {SCI_FI[4], SCI_FI[5]} & set(everything)
    assert all("completion" not in film for row in body["rows"][1:] for film in row["films"])

    say(site, "watch", movie=SCI_FI[2], viewer=ADA, at=now)
    assert film_ids(rows(site)["continue_watching"]) == [SCI_FI[1]]
    assert "continue_watching" not in rows(site, exclude=SCI_FI[1])
    say(site, "unwatch", movie=SCI_FI[1], viewer=ADA, at=now)
    assert "continue_watching" not in rows(site)


def test_home_offers_again_what_was_liked_long_ago(site):
    for film in SCI_FI[1:6]:
        say(site, "watch", "like", movie=film, at=LONG_AGO)
    say(site, "watch", movie=SCI_FI[6], at=LONG_AGO)  # not said to be liked
    say(site, "watch", "rewatch", movie=SCI_FI[7], at=LONG_AGO)
    say(site, "watch", "rating", movie=SCI_FI[8], at=LONG_AGO, rating=5)
    row = rows(site, EVE)["watch_again"]
    assert row["source"] == "history"
    assert set(film_ids(row)) == {*SCI_FI[1:6], SCI_FI[7], SCI_FI[8]}
    say(site, "rewatch", movie=SCI_FI[1])
    say(site, "dislike", movie=SCI_FI[2])
    say(site, "unwatch", movie=SCI_FI[3])
    assert set(film_ids(rows(site, EVE)["watch_again"])) == {*SCI_FI[4:6], SCI_FI[7], SCI_FI[8]}
    kinds = [row["kind"] for row in site.get(f"/home?user_id={EVE}&rows=20")["rows"]]
    assert kinds.index("watch_again") == len(kinds) - 1


def test_neither_row_shows_what_is_not_for_this_age(site):
    for film in (GODFATHER, MATRIX):
        say(site, "progress", movie=film, completion=0.3)
    say(site, "progress", movie=TOY_STORY, completion=0.3)
    assert set(film_ids(rows(site, EVE)["continue_watching"])) == {GODFATHER, MATRIX, TOY_STORY}
    assert film_ids(rows(site, EVE, certificate="G")["continue_watching"]) == [TOY_STORY]
    assert film_ids(rows(site, EVE, genres="Animation")["continue_watching"]) == [TOY_STORY]


# What is needed, what is refused -------------------------------------------------------------------------------------


def test_progress_needs_a_completion(site):
    body = site.post("/events", {"user_id": ADA, "movie_id": str(NEMO), "kind": "progress"}, expect=400)
    assert body["errors"] == [{"pointer": "#/completion", "detail": "is needed for the kind progress."}]


def test_every_kind_comes_in_by_file(site, tmp_path):
    lines = [
        json.dumps(
            {"user_id": EVE, "movie_id": str(NEMO), "kind": kind.label, "occurred_at": 1_700_000_000 + kind.value}
            | ({"rating": 4} if kind == WatchEvent.Kind.RATING else {})
            | ({"completion": 0.5} if kind == WatchEvent.Kind.PROGRESS else {})
        )
        for kind in WatchEvent.Kind
    ]
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(lines))
    call_command("import_rows", "events", str(path))
    kinds = WatchEvent.objects.filter(viewer=EVE).values_list("kind", flat=True)
    assert sorted(kinds) == sorted(WatchEvent.Kind.values)


# Everyone's -----------------------------------------------------------------------------------------------------------


def test_charts_and_watchers_go_by_the_last_word(site):
    watched = Counter()
    for n in range(12):
        viewer = 800 + n
        for movie in SCI_FI[10:13]:  # enough to count at all
            say(site, "watch", movie=movie, viewer=viewer, at=LONG_AGO)
        say(site, "watch", "rewatch", "rewatch", movie=COMEDY[0], viewer=viewer)
        say(site, "watch", "unwatch", movie=COMEDY[1], viewer=viewer)
        say(site, "rating", movie=COMEDY[2], viewer=viewer, rating=5, at=LONG_AGO)
        say(site, "rating", movie=COMEDY[2], viewer=viewer, rating=1)
        say(site, "rating", movie=COMEDY[3], viewer=viewer, rating=1, at=LONG_AGO)
        say(site, "rating", movie=COMEDY[3], viewer=viewer, rating=5)
        say(site, "progress", movie=COMEDY[4], viewer=viewer, completion=0.3)
        say(site, "watch", movie=COMEDY[5], viewer=viewer, completion=0.3)
        say(site, "progress", movie=COMEDY[6], viewer=viewer, completion=0.8)
        say(site, "unwatch", "watch", movie=COMEDY[7], viewer=viewer)
    weights = selectors.watch_weights(
        AUDIENCES[-1], 20_000, [1.0], [1.0], max_recent=1e9, max_long_term=1e9, limit=1000
    )
    watched.update(dict(zip(weights.movie_ids.tolist(), weights.long_term.tolist(), strict=True)))
    assert [round(watched[movie]) for movie in COMEDY[:8]] == [12, 0, 0, 12, 0, 0, 12, 12]

    counted = {movie: selectors.movie_watchers(movie) for movie in COMEDY[:8]}
    assert [len(counted[movie].viewer_ids) for movie in COMEDY[:8]] == [12, 0, 12, 12, 0, 0, 12, 12]
    assert counted[COMEDY[3]].ratings.tolist() == [0] * 9 + [12]
    assert counted[COMEDY[2]].ratings.tolist() == [0, 12] + [0] * 8


def test_the_last_word_counts_across_merged_viewers(site):
    session, account = 901, 902
    for film in SCI_FI[1:4]:
        say(site, "watch", movie=film, viewer=account, at=LONG_AGO)
    say(site, "dislike", movie=SCI_FI[5], viewer=account, at=LONG_AGO)
    say(site, "rating", movie=SCI_FI[1], viewer=account, rating=1, at=LONG_AGO)
    later = datetime.now(UTC) - timedelta(days=1)
    events = [
        {"kind": "like", "movie_id": str(SCI_FI[5])},
        {"kind": "rating", "movie_id": str(SCI_FI[1]), "rating": 5},
        {"kind": "unwatch", "movie_id": str(SCI_FI[2])},
    ]
    site.post("/events", [{"user_id": session, "session": True, "occurred_at": later.isoformat(), **e} for e in events])
    site.post("/users/merge", {"from_user_id": session, "into_user_id": account})
    films = listed(site, account)
    assert SCI_FI[5] in films, "liked after a dislike"
    assert SCI_FI[2] in films, "unwatched by the session"
    assert SCI_FI[1] not in films
    history = selectors.history(account)
    assert history.ratings[(history.movie_ids == SCI_FI[1]) & (history.kinds == WatchEvent.Kind.RATING)].tolist() == [5]
