"""What rows and explanations say is true: liked, watched, in common; and in a group nobody learns of another."""

import json
from datetime import timedelta

import pytest

from catalog.models import Credit, Movie, Person, WatchEvent
from catalog.services import NewEvent, record_events, save_record
from tests.support.cast import (
    ADA,
    BEN,
    CLEO,
    EMPIRE,
    GODFATHER,
    JEDI,
    MATRIX,
    MORNING,
    NEMO,
    PULP_FICTION,
    RAIDERS,
    SHAWSHANK,
    SPIRITED_AWAY,
    STAR_WARS,
    TOY_STORY,
    rating_event,
    watch_event,
)
from tests.support.tiny_model import INVENTED

pytestmark = pytest.mark.usefixtures("model")
KIND = WatchEvent.Kind
NEWCOMER = 140
CRIME = INVENTED["Crime"]


def at(hour):
    return MORNING + timedelta(hours=hour)


def reasons(api, viewer, **more):
    query = "".join(f"&{name}={value}" for name, value in more.items())
    page = api.get(f"/home?user_id={viewer}&rows=20&row_length=4{query}")
    return {row["key"]: row["reason"] for row in page["rows"]}


def explained(body):
    return {film["movie_id"]: film for film in body["recommendations"]}


def test_liked_is_said_of_what_was_liked_alone(api):
    title = {pk: Movie.objects.get(pk=pk).title for pk in (STAR_WARS, MATRIX, NEMO)}
    events = [watch_event(NEWCOMER, film, at(n)) for n, film in enumerate((STAR_WARS, MATRIX, NEMO))]
    events += [NewEvent(NEWCOMER, STAR_WARS, KIND.WATCHLIST, at(-5)), NewEvent(NEWCOMER, MATRIX, KIND.LIKE, at(6))]
    record_events([*events, rating_event(NEWCOMER, NEMO, at(7), 3.5)])

    def said():
        rows = reasons(api, NEWCOMER)
        return {pk: rows.get(f"because_you_watched:{pk}") for pk in (STAR_WARS, MATRIX, NEMO)}

    before = said()
    assert before[MATRIX] == f"You liked {title[MATRIX]}."
    for film in (STAR_WARS, NEMO):
        assert before[film] in (None, f"You watched {title[film]}."), "watched and wanted, or of middling stars"
    record_events([NewEvent(NEWCOMER, MATRIX, KIND.UNLIKE, at(8)), rating_event(NEWCOMER, STAR_WARS, at(9), 4.0)])
    after = said()
    assert after[STAR_WARS] == f"You liked {title[STAR_WARS]}."
    assert after[MATRIX] in (None, f"You watched {title[MATRIX]}."), "the last word counts"


def test_rows_of_people_say_liked_or_watched(api):
    """Harrison Ford in films that were watched alone; then two of them get stars."""
    films = (STAR_WARS, EMPIRE, RAIDERS)
    record_events([watch_event(NEWCOMER, film, at(n)) for n, film in enumerate(films)])
    rows = {**reasons(api, NEWCOMER, min_year=1900)}
    people = [reason for key, reason in rows.items() if key.startswith(("actor:", "director:"))]
    assert all(reason.startswith("You watched ") for reason in people), rows
    record_events([rating_event(NEWCOMER, film, at(9), 5.0) for film in films])
    rows = reasons(api, NEWCOMER, min_year=1900)
    people = [reason for key, reason in rows.items() if key.startswith(("actor:", "director:"))]
    assert all(reason.startswith("You liked ") for reason in people), rows


def test_what_is_in_common_is_said_where_no_film_raised_the_score(api):
    """An actor of three watched films in a list that no film of the history explains: there is one film too few."""
    actor = Person.objects.create(name="Somebody Frequent")
    for movie in (STAR_WARS, EMPIRE, JEDI, NEMO):
        Credit.objects.create(movie_id=movie, person=actor, role=Credit.Role.ACTOR, order=9)
    director = Person.objects.create(name="Once Behind")
    for movie in (STAR_WARS, SPIRITED_AWAY):
        Credit.objects.filter(movie_id=movie, role=Credit.Role.DIRECTOR).delete()
        Credit.objects.create(movie_id=movie, person=director, role=Credit.Role.DIRECTOR)
    save_record(actor)
    asked = {"history": [str(STAR_WARS), str(EMPIRE), str(JEDI)], "top_k": 200, "explain": True}
    films = explained(api.post("/recommend", asked))
    assert not films[str(NEMO)]["because"] or "Somebody Frequent" in films[str(NEMO)]["fact"]
    by_one = explained(api.post("/recommend", asked | {"history": [str(STAR_WARS)]}))
    assert not any(film["because"] for film in by_one.values())
    assert by_one[str(SPIRITED_AWAY)]["fact"] == "Directed by Once Behind, as in 1 film that you watched."
    assert by_one[str(NEMO)]["fact"] == "", "one film of an actor says nothing"
    crimes = explained(api.post("/recommend", asked | {"history": [str(film) for film in CRIME[:4]]}))
    fact = next(film["fact"] for pk, film in crimes.items() if int(pk) in CRIME)
    assert "Crime" in fact


def test_a_list_without_a_model_says_what_is_in_common(api, monkeypatch):
    actor = Person.objects.create(name="Somebody Frequent")
    for movie in (STAR_WARS, EMPIRE, JEDI, NEMO):
        Credit.objects.create(movie_id=movie, person=actor, role=Credit.Role.ACTOR, order=9)
    save_record(actor)
    monkeypatch.setattr("recommender.serving.list_sources.load_ranker", lambda context: None)
    body = api.get(f"/recommend?user_id={ADA}&top_k=200&explain=true&at=1700000000")
    assert body["source"] == "popular"
    fact = explained(body)[str(NEMO)]["fact"]
    assert fact == "With Somebody Frequent, as in 3 films that you watched."


def test_nothing_above_the_age_limit_is_in_common(api):
    actor = Person.objects.create(name="Somebody Frequent")
    for movie in (PULP_FICTION, GODFATHER, SHAWSHANK, NEMO):
        Credit.objects.create(movie_id=movie, person=actor, role=Credit.Role.ACTOR, order=9)
    save_record(actor)
    asked = f"/recommend?user_id={CLEO}&top_k=200&explain=true"
    assert "Somebody Frequent" in json.dumps(api.get(asked))
    assert "Somebody Frequent" not in json.dumps(api.get(f"{asked}&age_limit=8"))


def test_what_was_only_wanted_is_no_watched_film(api):
    """The list is by content, of the last films of the history: one of them is on the watchlist alone."""
    record_events([NewEvent(NEWCOMER, TOY_STORY, KIND.WATCHLIST, at(1))])
    body = api.get(f"/recommend?user_id={NEWCOMER}&top_k=20&explain=true&titles=true")
    assert str(TOY_STORY) not in {item["movie_id"] for film in body["recommendations"] for item in film["because"]}


class TestGroups:
    def ask(self, api, *viewers, **more):
        return api.post(
            "/recommend", {"user_ids": list(viewers), "top_k": 200, "explain": True, "titles": True, **more}
        )

    def test_a_film_that_one_watched_alone_is_never_named(self, api):
        own = {viewer: {e.movie for e in WatchEvent.objects.filter(viewer_id=viewer)} for viewer in (ADA, BEN, CLEO)}
        for viewers in ((ADA, BEN), (ADA, CLEO), (ADA, BEN, CLEO)):
            text = json.dumps(self.ask(api, *viewers))
            assert '"because": [{' not in text
            for movie in set().union(*(own[viewer] for viewer in viewers)) - {Movie.objects.get(pk=1221)}:
                assert json.dumps(movie.title) not in text
                assert f"like {movie.title}." not in text
                assert f'"movie_id": "{movie.pk}"' not in text

    def test_facts_are_true_of_each_member(self, api):
        """Ada's films have Harrison Ford, Ben's do not; both watched something with the other actor."""
        actor = Person.objects.create(name="Everybody's Darling")
        for movie in (STAR_WARS, TOY_STORY, SPIRITED_AWAY):
            Credit.objects.create(movie_id=movie, person=actor, role=Credit.Role.ACTOR, order=9)
        alone = Person.objects.create(name="Ada's Secret")
        for movie in (STAR_WARS, EMPIRE, JEDI, SHAWSHANK):
            Credit.objects.create(movie_id=movie, person=alone, role=Credit.Role.ACTOR, order=9)
        save_record(actor)
        films = explained(self.ask(api, ADA, BEN))
        fact = films[str(SPIRITED_AWAY)]["fact"]
        assert fact == "With Everybody's Darling, as in films that each of you watched."
        assert "Ada's Secret" not in json.dumps(films)
        assert not any(number in film["fact"] for film in films.values() for number in "123456789")

    def test_a_film_that_all_watched_may_be_named(self, api):
        record_events([watch_event(BEN, STAR_WARS, at(1))])
        films = explained(self.ask(api, ADA, BEN))
        named = {item["movie_id"] for film in films.values() for item in film["because"]}
        assert named == {str(STAR_WARS)}
        title = Movie.objects.get(pk=STAR_WARS).title
        assert all(item["title"] == title for film in films.values() for item in film["because"])

    def test_counts_are_of_all_together(self, api):
        events = [NewEvent(BEN, MATRIX, KIND.DISLIKE, at(1)), NewEvent(BEN, GODFATHER, KIND.NOT_INTERESTED, at(2))]
        record_events(events)
        removed = self.ask(api, ADA, BEN)["removed"]
        assert set(removed) == {"seen"}
        assert removed["seen"] == 6 + 3 + 1, "Ada watched The Matrix; The Godfather was waved away"
