"""Reads: what history, catalogue table, cards and stamps say about the cast."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from catalog import selectors
from catalog.models import Credit, Genre, Movie, Viewer, WatchEvent
from catalog.selectors.catalogue import MAX_TIME, MIN_TIME
from catalog.services import bump_epoch, invalidate_viewers, publish_movies, record_events
from tests.support.cast import (
    ADA,
    AMELIE,
    BEN,
    CAST_MOVIES,
    CLEO,
    DAN,
    EMPIRE,
    EVE,
    GODFATHER,
    JEDI,
    MATRIX,
    MORNING,
    NEMO,
    RAIDERS,
    STAR_WARS,
    TOY_STORY,
    TOY_STORY_2,
    UNKNOWN_MOVIE,
    watch_event,
)

pytestmark = pytest.mark.usefixtures("cast")
ONE_QUERY = 1


def test_a_history_is_in_order_with_its_version(django_assert_num_queries: Callable) -> None:
    with django_assert_num_queries(ONE_QUERY):
        ada = selectors.history(ADA)
    assert ada is not None
    assert (ada.viewer_id, ada.version, ada.age_limit) == (ADA, 1, None)
    movies = [STAR_WARS, EMPIRE, JEDI, RAIDERS, MATRIX, AMELIE]
    assert ada.movie_ids.tolist() == [movie for movie in movies for _ in range(2)]
    assert ada.kinds.tolist() == [WatchEvent.Kind.WATCH, WatchEvent.Kind.RATING] * 6
    assert ada.occurred_at[0] == (MORNING + timedelta(hours=12)).timestamp()
    assert np.isnan(ada.ratings[::2]).all()
    assert ada.ratings[1::2].tolist() == [5.0, 5.0, 4.5, 4.0, 4.5, 2.0]
    assert ada.completions[::2].tolist() == [1.0] * 6
    assert np.isnan(ada.completions[1::2]).all()
    assert [column.dtype for column in ada[2:7]] == [np.int32, np.int64, np.int8, np.float32, np.float32]


def test_equal_times_keep_the_order_they_came_in() -> None:
    noon = datetime(2024, 5, 1, 12, tzinfo=UTC)
    record_events([watch_event(EVE, movie, noon) for movie in (NEMO, TOY_STORY, JEDI, EMPIRE)])
    eve = selectors.history(EVE)
    assert eve is not None
    assert eve.movie_ids.tolist() == [NEMO, TOY_STORY, JEDI, EMPIRE]


def test_a_viewer_without_events_has_an_empty_history_and_an_unknown_one_none() -> None:
    Viewer.objects.create(id=700, version=3)
    quiet = selectors.history(700)
    assert quiet is not None
    assert (quiet.version, len(quiet.movie_ids)) == (3, 0)
    assert selectors.history(EVE) is None


def test_many_histories_are_one_query(django_assert_num_queries: Callable) -> None:
    with django_assert_num_queries(ONE_QUERY):
        histories = selectors.histories([CLEO, EVE, ADA, BEN, DAN])
    assert [h.viewer_id for h in histories] == [ADA, BEN, CLEO, DAN]
    assert histories[1].movie_ids.tolist() == [TOY_STORY, NEMO, TOY_STORY_2]


def test_viewers_are_sampled_however_far_apart_their_ids_lie() -> None:
    far = 2_000_000_000
    record_events([watch_event(far, NEMO, datetime(2026, 1, 1, tzinfo=UTC))])
    Viewer.objects.create(id=far + 1)  # without events
    for _ in range(20):
        assert sorted(selectors.sample_viewers(10)) == [ADA, BEN, CLEO, DAN, far]
    assert len(selectors.sample_viewers(3)) == 3


def test_times_before_1970_and_parts_of_a_second_are_floored() -> None:
    when = datetime(1969, 12, 31, 23, 59, 58, 700_000, tzinfo=UTC)
    record_events([watch_event(EVE, NEMO, when)])
    eve = selectors.history(EVE)
    assert eve is not None
    assert eve.occurred_at.tolist() == [-2]


class TestTheCatalogueTable:
    def test_it_works(self, django_assert_num_queries: Callable) -> None:
        until = datetime(2030, 1, 1, tzinfo=UTC)
        Movie.objects.filter(id=AMELIE).update(available_until=until)
        publish_movies([NEMO], False)
        with django_assert_num_queries(ONE_QUERY):
            table = selectors.catalogue_table()
        assert table.version == selectors.catalogue_and_epoch()[0] == 2
        assert table.ids.tolist() == sorted(movie.id for movie in CAST_MOVIES)
        row = int(table.rows_of(np.array([AMELIE]))[0])
        assert table.available_until[row] == until.timestamp()
        assert table.available_from[row] == MIN_TIME
        assert table.available_until[0] == MAX_TIME
        assert table.year[row] == 2001
        assert table.runtime[row] == 122
        assert table.titles[row] == "Amélie"
        assert table.certificates[table.certificate[row]] == "R"
        assert table.age[row] == 17
        assert table.languages[table.language[row]] == "fr"
        assert table.ids[~table.published].tolist() == [NEMO]

    def test_genres_and_people_of_every_movie(self) -> None:
        table = selectors.catalogue_table()
        for movie in CAST_MOVIES:
            row = int(table.rows_of(np.array([movie.id]))[0])
            genres = table.genre_of[table.genre_start[row] : table.genre_start[row + 1]]
            assert [table.genre_names[g] for g in genres] == sorted(movie.genres.split("|"))
            credit = slice(table.credit_start[row], table.credit_start[row + 1])
            names = [table.person_names[p] for p in table.credit_person[credit]]
            assert names == [movie.director, *movie.actors.split("|")]
            assert table.credit_role[credit].tolist()[:2] == [Credit.Role.DIRECTOR, Credit.Role.ACTOR]

    def test_rows_of_unknown_movies_are_minus_one(self) -> None:
        table = selectors.catalogue_table()
        assert table.rows_of(np.array([UNKNOWN_MOVIE, TOY_STORY, 0])).tolist() == [-1, 0, -1]

    def test_an_empty_catalogue_is_a_table_too(self) -> None:
        WatchEvent.objects.all().delete()
        Movie.objects.all().delete()
        table = selectors.catalogue_table()
        assert (len(table.ids), table.genre_start.tolist()) == (0, [0])
        assert table.rows_of(np.array([TOY_STORY])).tolist() == [-1]


def test_cards_are_one_query_and_leave_out_the_unknown(django_assert_num_queries: Callable) -> None:
    with django_assert_num_queries(ONE_QUERY):
        cards = selectors.movie_cards([NEMO, GODFATHER, UNKNOWN_MOVIE])
    assert set(cards) == {NEMO, GODFATHER}
    poster = "https://posters.example/858.jpg"
    assert cards[GODFATHER] == (GODFATHER, "The Godfather", 1972, ["Crime", "Drama"], poster, None)
    Genre.objects.all().delete()
    assert selectors.movie_cards([NEMO])[NEMO].genres == []


def test_people_are_found_in_any_case() -> None:
    ids_by_name = selectors.resolve_people(["al pacino", "AUDREY TAUTOU", "Nobody"])
    assert [len(ids) for ids in ids_by_name.values()] == [1, 1, 0]
    assert Credit.objects.filter(person_id=ids_by_name["al pacino"][0]).count() == 2


def test_versions() -> None:
    assert selectors.catalogue_and_epoch() == (1, 1)
    assert bump_epoch() == 2
    assert selectors.catalogue_and_epoch() == (1, 2)
    invalidate_viewers([BEN])
    assert selectors.viewer_versions([ADA, BEN, EVE]) == {ADA: 1, BEN: 2}
    assert selectors.pending_viewer_versions(2) == {ADA: 1, BEN: 2}
