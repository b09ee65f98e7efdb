"""The demo: its facts, its viewers, and how it goes into an empty system only."""

import io
import re
import unicodedata
from collections import Counter

import numpy as np
import polars as pl
import pytest
from django.core.management import CommandError, call_command

from catalog.dataset import NOT_INTERESTED, RATING, WATCH, Dataset
from catalog.demo.events import SPAN
from catalog.demo.movies import DemoMovies, read_movies
from catalog.demo.simulation import simulate_demo
from catalog.limits import DEMO_ID_BASE
from catalog.loading import load_dataset
from catalog.models import Credit, Movie, Viewer, WatchEvent

NOW = 1_790_000_000  # 2026-09-21
DAY = 86_400
GENRES = {
    "Action", "Adventure", "Animation", "Comedy", "Crime", "Documentary", "Drama", "Family", "Fantasy", "History",
    "Horror", "Music", "Musical", "Mystery", "Romance", "Sci-Fi", "Sport", "Thriller", "War", "Western",
}  # fmt: skip
CERTIFICATES = {"Approved", "G", "NC-17", "Not Rated", "Passed", "PG", "PG-13", "R"}


@pytest.fixture(scope="module")
def movies() -> DemoMovies:
    return read_movies()


@pytest.fixture(scope="module")
def demo() -> Dataset:
    return simulate_demo(viewers=800, seed=3, now=NOW)


def events(dataset: Dataset) -> pl.DataFrame:
    return pl.concat(dataset.events)


def watches(dataset: Dataset) -> pl.DataFrame:
    return events(dataset).filter(pl.col("kind") == WATCH)


class TestTheFacts:
    def test_every_movie_is_there_once_in_order(self, movies: DemoMovies) -> None:
        names = movies.table.select("year", "title").rows()
        assert len(names) == len(set(names)) >= 500
        assert names == sorted(names)
        assert movies.table["id"].to_list() == list(range(DEMO_ID_BASE + 1, DEMO_ID_BASE + len(movies) + 1))

    def test_columns_hold_what_they_may(self, movies: DemoMovies) -> None:
        for movie in movies.table.iter_rows(named=True):
            assert 1900 <= movie["year"] <= 2026, movie
            assert 40 <= movie["runtime"] <= 330, movie
            assert 1 <= movie["fame"] <= 5, movie
            assert movie["certificate"] in CERTIFICATES, movie
            assert re.fullmatch("[a-z]{2,3}", movie["language"]), movie
            assert movie["original_title"] != movie["title"] == movie["title"].strip() != "", movie
            assert set(movie["genres"]) <= GENRES, movie
            for names in (movie["genres"], movie["directors"], movie["actors"]):
                assert len(names) == len(set(names)) >= 1, movie
                assert all(name == name.strip() != "" for name in names), movie

    def test_people_are_spelled_in_one_way(self, movies: DemoMovies) -> None:
        people = {name for column in ("directors", "actors") for name in movies.table[column].explode()}
        plain = Counter(re.sub("[^a-z]", "", unicodedata.normalize("NFKD", name).casefold()) for name in people)
        assert [name for name, count in plain.items() if count > 1] == []

    def test_series_have_distinct_parts_in_the_order_of_their_numbers(self, movies: DemoMovies) -> None:
        parts = movies.table.filter(pl.col("series") != "").sort("series", "part")
        assert movies.table.filter((pl.col("series") != "") != pl.col("part").is_not_null()).is_empty()
        assert parts.select("series", "part").is_duplicated().sum() == 0
        assert min(Counter(parts["series"]).values()) >= 2
        following = movies.next_part[parts["id"].to_numpy() - DEMO_ID_BASE - 1]
        same = parts["series"].to_numpy()[1:] == parts["series"].to_numpy()[:-1]
        assert (following[:-1][same] + DEMO_ID_BASE + 1 == parts["id"].to_numpy()[1:][same]).all()
        assert (following[:-1][~same] == -1).all()


class TestTheViewers:
    def test_equal_arguments_give_equal_data(self, demo: Dataset) -> None:
        again = simulate_demo(viewers=800, seed=3, now=NOW)
        assert events(again).equals(events(demo))
        assert again.viewers.equals(demo.viewers)
        assert not events(simulate_demo(viewers=800, seed=4, now=NOW)).equals(events(demo))

    def test_simulated_viewers_are_named_so(self, demo: Dataset) -> None:
        assert demo.viewers["name"].to_list() == [f"Simulated {number}" for number in range(1, 801)]
        assert "simulated" in demo.notes[0]

    def test_nobody_watches_a_movie_twice_or_in_the_future(self, demo: Dataset) -> None:
        seen = watches(demo)
        assert seen.select("viewer", "movie").is_duplicated().sum() == 0
        each = Counter(seen["viewer"])
        assert len(each) == 800
        assert min(each.values()) >= 15
        assert max(each.values()) <= 120
        assert events(demo)["occurred_at"].is_between(NOW - SPAN - 30 * DAY, NOW).all()
        pauses = seen.select(pl.col("occurred_at").diff().over("viewer").drop_nulls())["occurred_at"].to_numpy()
        assert pauses.min() > 3600
        assert 0.4 < (pauses < DAY / 2).mean() < 0.6  # sessions of about two films

    def test_ratings_follow_the_watch_and_the_taste(self, demo: Dataset) -> None:
        happened, seen = events(demo), watches(demo)
        rated = happened.filter(pl.col("kind") == RATING)
        both = rated.join(seen, on=["viewer", "movie"], suffix="_watch")
        assert both.height == rated.height
        assert (both["occurred_at"] > both["occurred_at_watch"]).all()
        assert 0.3 < rated.height / seen.height < 0.4
        assert set((rated["rating"] * 2).unique()) <= set(range(1, 11))
        stars, left = both["rating"].to_numpy(), both["completion_watch"].to_numpy() < 0.9
        assert stars[left].mean() < stars[~left].mean() - 0.5
        hidden = happened.filter(pl.col("kind") == NOT_INTERESTED)
        assert hidden.height
        assert hidden.join(seen, on=["viewer", "movie"]).is_empty()

    def test_series_are_watched_in_order_and_soon_after(self, demo: Dataset, movies: DemoMovies) -> None:
        place = (
            watches(demo).with_columns(place=pl.int_range(pl.len()).over("viewer")).select("viewer", "movie", "place")
        )
        sequels = pl.DataFrame({"movie": movies.table["id"], "sequel": movies.next_part + DEMO_ID_BASE + 1}).filter(
            pl.col("sequel") > DEMO_ID_BASE
        )
        begun = place.join(sequels, on="movie")
        both = begun.join(place, left_on=["viewer", "sequel"], right_on=["viewer", "movie"], suffix="_of_sequel")
        steps = (both["place_of_sequel"] - both["place"]).to_numpy()
        assert (steps > 0).mean() > 0.9
        assert (steps == 1).sum() / begun.height > 0.5
        assert ((steps >= 1) & (steps <= 5)).sum() / begun.height > 0.6

    def test_what_comes_next_depends_on_what_came_last(self, demo: Dataset, movies: DemoMovies) -> None:
        """The order carries what the set of films does not: runs of a director end, and begin anew elsewhere."""
        same = movies.directors @ movies.directors.T > 0
        begun = np.flatnonzero(movies.next_part >= 0)
        same[begun, movies.next_part[begun]] = False  # the series have a test of their own
        rng = np.random.default_rng(1)
        in_order, shuffled = [], []
        for (_,), seen in watches(demo).group_by("viewer"):
            rows = seen["movie"].to_numpy() - DEMO_ID_BASE - 1
            mixed = rng.permutation(rows)
            in_order.append(same[rows[:-1], rows[1:]].mean())
            shuffled.append(same[mixed[:-1], mixed[1:]].mean())
        assert np.mean(in_order) > 3 * np.mean(shuffled)


def load_demo(*arguments: object) -> str:
    out = io.StringIO()
    call_command("load_demo", *map(str, arguments), stdout=out)
    return out.getvalue()


def contents() -> list[list[tuple]]:
    tables = (Movie.objects, Credit.objects, Viewer.objects, WatchEvent.objects)
    return [sorted(table.values_list()) for table in tables]


@pytest.mark.django_db
class TestLoading:
    def test_the_demo_is_labelled_wherever_it_shows(self, movies: DemoMovies) -> None:
        output = load_demo("--viewers", 60)
        assert f"{len(movies):,} real films" in output
        assert "60 viewers" in output
        assert "SIMULATED" in output
        assert Movie.objects.filter(is_demo=True).count() == Movie.objects.count() == len(movies)
        assert Viewer.objects.filter(is_simulated=True).count() == Viewer.objects.count() == 60
        assert str(Viewer.objects.get(pk=DEMO_ID_BASE + 17)) == "Simulated 17 (simulated)"
        assert WatchEvent.objects.values("viewer").distinct().count() == 60

    def test_movies_come_with_all_that_is_known(self) -> None:
        load_demo("--viewers", 1)
        movie = Movie.objects.get(title="The Matrix")
        assert (movie.year, movie.certificate, movie.runtime, movie.language) == (1999, "R", 136, "en")
        assert set(movie.genres.values_list("name", flat=True)) == {"Action", "Sci-Fi"}
        assert movie.credits.filter(role=Credit.Role.DIRECTOR).count() == 2
        assert movie.credits.get(role=Credit.Role.ACTOR, order=0).person.name == "Keanu Reeves"

    def test_twice_gives_the_same(self) -> None:
        load_demo("--viewers", 20)
        before = contents()
        assert "20 simulated viewers. Nothing was changed." in load_demo("--viewers", 30, "--seed", 8)
        assert contents() == before

    def test_it_stays_away_from_real_movies(self) -> None:
        Movie.objects.create(id=100_000, title="The site's own")
        with pytest.raises(CommandError, match=r"holds 1 real films.*MOVIEREC_STATE"):
            load_demo()
        assert (Movie.objects.count(), Viewer.objects.count()) == (1, 0)

    def test_it_gives_way_to_real_movies(self) -> None:
        load_demo("--viewers", 20)
        real = simulate_demo(viewers=5, now=NOW)
        real.is_demo = False
        assert load_dataset(real).removed_demo == (real.movies.height, 20)
        assert not Viewer.objects.filter(is_simulated=True).exists()

    @pytest.mark.parametrize("viewers", [0, 20_001])
    def test_the_number_of_viewers_has_limits(self, viewers: int) -> None:
        with pytest.raises(CommandError, match="1 to 20,000 viewers"):
            load_demo("--viewers", viewers)
