"""Loading data sets: the same when done twice, nothing when it fails, indexes as they were."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from threading import Event
from typing import Any

import polars as pl
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, connections, transaction

from catalog.dataset import CREDITS, EVENTS, GENRES, MOVIES, RATING, TAGS, VIEWERS, WATCH, Dataset, to_frame
from catalog.errors import CatalogError
from catalog.loading import LoadReport, load_dataset
from catalog.models import Credit, Genre, Movie, MovieTag, Person, Revision, Tag, Viewer, WatchEvent
from catalog.selectors import history
from catalog.services import erase_viewer, record_events
from catalog.services.events import bump_versions
from catalog.signals import catalogue_changed, epoch_changed
from tests.support.cast import ADA, CAST_MOVIES, STAR_WARS, TOY_STORY, watch_event
from tests.support.movielens import movielens_path
from tests.support.sequences import restart_movie_ids

pytestmark = pytest.mark.django_db
START = 1_000_000_000  # unix seconds


def dataset(
    *, events: list[tuple] | None = None, is_demo: bool = False, first: int = 1, **changes: pl.DataFrame
) -> Dataset:
    """Two films and two viewers."""
    rows = events if events is not None else [
        (7, first + 1, WATCH, None, 0.5, START),
        (7, first, RATING, 4.5, None, START),
        (9, first, WATCH, None, None, START + 5),
    ]  # fmt: skip
    movies = [
        {"id": first, "title": "Heat", "year": 1995, "imdb_id": "tt0113277"},
        {"id": first + 1, "title": "Amélie", "original_title": "Le Fabuleux Destin", "language": "fr"},
    ]
    parts: dict[str, Any] = {
        "movies": to_frame(movies, MOVIES),
        "genres": to_frame([(first, "Crime"), (first, "Action"), (first + 1, "Romance")], GENRES),
        "tags": to_frame([(first, "heist", 3)], TAGS),
        "credits": to_frame(
            [(first, "Michael Mann", 1, 0), (first, "Al Pacino", 2, 0), (first, "Val Kilmer", 2, 1)], CREDITS
        ),
        "viewers": to_frame([(7, "Seven"), (8, "Silent")], VIEWERS),
    } | changes
    return Dataset(name="tiny", events=iter([to_frame(rows, EVENTS)]), expected_events=3, is_demo=is_demo, **parts)


def schema() -> list[tuple]:
    """Indexes and constraints of the catalogue's tables, as Postgres words them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint
               WHERE conrelid::regclass::text LIKE 'catalog_%%'
               UNION ALL SELECT tablename, indexname, indexdef, true FROM pg_indexes WHERE tablename LIKE 'catalog_%%'
               ORDER BY 1, 2, 3"""
        )
        return cursor.fetchall()


def contents() -> dict[str, list]:
    """Everything but the numbers that say that something was written."""
    return {
        "movies": list(Movie.objects.values()),
        "genres": sorted(Movie.genres.through.objects.values_list("movie_id", "genre__name")),
        "tags": sorted(MovieTag.objects.values_list("movie_id", "tag__name", "count")),
        "credits": sorted(Credit.objects.values_list("movie_id", "person__name", "role", "order")),
        "viewers": list(Viewer.objects.values("id", "name", "is_simulated")),
        "events": list(WatchEvent.objects.order_by("id").values()),
    }


def counts(report: LoadReport) -> tuple[int, int, int, int]:
    return report.events, report.created, report.updated, report.repeated


@pytest.fixture
def signals(django_capture_on_commit_callbacks: Callable) -> Iterator[list[tuple[str, int]]]:
    received: list[tuple[str, int]] = []

    def on_catalogue(version: int, **_: object) -> None:
        received.append(("catalogue", version))

    def on_epoch(epoch: int, **_: object) -> None:
        received.append(("epoch", epoch))

    catalogue_changed.connect(on_catalogue)
    epoch_changed.connect(on_epoch)
    with django_capture_on_commit_callbacks(execute=True):
        yield received


def test_it_works() -> None:
    before = schema()
    report = load_dataset(dataset())
    assert counts(report) == (3, 3, 0, 0)
    assert (report.movies, report.credits, report.tags, report.viewers) == (2, 3, 1, 3)
    heat = Movie.objects.get(id=1)
    assert (heat.title, heat.year, heat.imdb_id, heat.tmdb_id, heat.overview) == ("Heat", 1995, "tt0113277", None, "")
    assert [g.name for g in heat.genres.all()] == ["Action", "Crime"]
    assert [str(c) for c in heat.credits.all()] == ["Michael Mann, director", "Al Pacino, actor", "Val Kilmer, actor"]
    assert Viewer.objects.get(id=7).name == "Seven"
    seven = WatchEvent.objects.filter(viewer=7).order_by("occurred_at", "id")
    assert list(seven.values_list("movie_id", "kind", "rating", "completion")) == [(2, 1, None, 0.5), (1, 2, 4.5, None)]
    assert seven[0].occurred_at == datetime.fromtimestamp(START, UTC)
    assert schema() == before


def test_twice_gives_the_same() -> None:
    load_dataset(dataset())
    first = contents()
    report = load_dataset(dataset())
    assert counts(report) == (3, 0, 0, 0)
    assert contents() == first


def test_a_viewer_who_was_erased_comes_back_above_the_former_version() -> None:
    """Whatever is kept of a version is of its events alone: stored lists, histories for training."""
    load_dataset(dataset())
    bump_versions([7])
    [version] = Viewer.objects.filter(pk=7).values_list("version", flat=True)
    erase_viewer(7)
    load_dataset(dataset())
    assert Viewer.objects.get(pk=7).version > version


def test_merged_and_replaced_events_are_the_same() -> None:
    load_dataset(dataset())
    straight = contents()["events"]
    WatchEvent.objects.exclude(id=straight[0]["id"]).delete()
    assert counts(load_dataset(dataset())) == (3, 2, 0, 0)
    merged = contents()["events"]
    assert [e | {"id": 0} for e in merged] == [e | {"id": 0} for e in straight]


def test_a_newer_set_adds_and_updates_and_raises_only_the_versions_it_touches() -> None:
    load_dataset(dataset())
    versions = dict(Viewer.objects.values_list("id", "version"))
    changed = [(7, 1, RATING, 2.0, None, START), (9, 1, WATCH, None, None, START + 5), (11, 2, WATCH, None, 1.0, START)]
    report = load_dataset(dataset(events=changed))
    assert counts(report) == (3, 1, 1, 0)
    now = dict(Viewer.objects.values_list("id", "version"))
    assert now[7] == versions[7] + 1
    assert now[9] == versions[9]
    assert Viewer.objects.get(id=7).publish_pending
    assert WatchEvent.objects.get(viewer=7, kind=RATING).rating == 2.0


@pytest.mark.parametrize("others", [False, True])
def test_a_repeated_row_counts_once_and_the_first_stays(others: bool) -> None:
    if others:
        load_dataset(dataset(events=[(1, 1, WATCH, None, None, START)]))
    before = schema()
    rows = [(7, 1, RATING, 4.0, None, START), (7, 1, RATING, 1.0, None, START), (7, 2, WATCH, None, None, START)]
    assert counts(load_dataset(dataset(events=rows))) == (3, 2, 0, 1)
    assert WatchEvent.objects.get(viewer=7, movie=1).rating == 4.0
    assert schema() == before


@pytest.mark.parametrize("others", [False, True])
def test_an_error_in_the_middle_leaves_the_database_as_it_was(others: bool) -> None:
    if others:
        load_dataset(dataset())
    before, tables = contents(), schema()

    def broken() -> Iterator[pl.DataFrame]:
        yield to_frame([(7, 1, WATCH, None, None, START + 99)], EVENTS)
        raise CatalogError("ratings.csv, line 3: is broken")

    with pytest.raises(CatalogError, match="line 3"):
        load_dataset(replace(dataset(), events=broken()))
    assert contents() == before
    assert schema() == tables


def test_an_event_of_an_unknown_movie_is_refused() -> None:
    with pytest.raises(IntegrityError, match="movie_id"):
        load_dataset(dataset(events=[(7, 999, WATCH, None, None, START)]))
    assert not Movie.objects.exists()


def test_an_import_raises_epoch_and_catalogue_and_signals_after_commit(
    django_capture_on_commit_callbacks: Callable, signals: list
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        load_dataset(dataset())
    revision = Revision.objects.get()
    assert signals == [("catalogue", revision.catalogue), ("epoch", revision.epoch)]
    assert (revision.catalogue, revision.epoch) == (2, 2)


def test_generated_ids_continue_after_the_imported_ones() -> None:
    restart_movie_ids()
    load_dataset(dataset(first=500))
    assert Movie.objects.create(title="New").id == 502
    record_events([watch_event(7, 500, datetime.now(UTC))])
    assert WatchEvent.objects.latest("id").viewer_id == 7


def test_values_that_the_set_lacks_stay_as_the_editor_left_them() -> None:
    load_dataset(dataset())
    Movie.objects.filter(id=1).update(poster_url="https://p.example/1.jpg", published=False, title="Edited")
    Movie.objects.create(id=77, title="The site's own")
    load_dataset(dataset(tags=pl.DataFrame(schema=TAGS), credits=pl.DataFrame(schema=CREDITS)))
    heat = Movie.objects.get(id=1)
    assert (heat.title, heat.poster_url, heat.published) == ("Heat", "https://p.example/1.jpg", False)
    assert Movie.objects.filter(id=77).exists()
    assert heat.credits.count() == 3
    assert MovieTag.objects.count() == 1


class TestTheDemo:
    def test_the_demo_is_labelled_and_gives_way_to_real_movies(self) -> None:
        load_dataset(dataset(is_demo=True, first=900))
        assert Movie.objects.filter(is_demo=True).count() == 2
        assert {str(v) for v in Viewer.objects.filter(is_simulated=True)} == {
            "Seven (simulated)", "Silent (simulated)", "Viewer 9 (simulated)",
        }  # fmt: skip
        last = max(Viewer.objects.values_list("version", flat=True))
        report = load_dataset(dataset())
        assert report.removed_demo == (2, 3)
        assert set(Movie.objects.values_list("id", flat=True)) == {1, 2}
        assert not Viewer.objects.filter(is_simulated=True).exists()
        # A new viewer 7 may not fall behind the stamp that the demo's viewer 7 left in Redis.
        assert Viewer.objects.get(id=7).version > last

    @pytest.mark.parametrize("keeps_events", [False, True])
    def test_a_real_viewer_loses_only_the_demos_events(self, keeps_events: bool) -> None:
        load_dataset(dataset(is_demo=True, first=900))
        Movie.objects.create(id=50, title="The site's own")
        record_events(
            [watch_event(70, 900, datetime.now(UTC))] + [watch_event(70, 50, datetime.now(UTC))] * keeps_events
        )
        before = Viewer.objects.get(id=70).version
        load_dataset(dataset())
        assert Viewer.objects.get(id=70).version == before + 1
        assert list(WatchEvent.objects.filter(viewer=70).values_list("movie_id", flat=True)) == [50] * keeps_events
        assert WatchEvent.objects.exclude(viewer=70).count() == 3
        assert set(Genre.objects.values_list("name", flat=True)) == {"Action", "Crime", "Romance"}

    def test_twice_gives_the_same(self) -> None:
        load_dataset(dataset(is_demo=True))
        first = contents()
        load_dataset(dataset(is_demo=True))
        assert contents() == first

    def test_it_never_writes_over_real_movies(self) -> None:
        load_dataset(dataset())
        with pytest.raises(CatalogError, match="belong to real rows of catalog_movie"):
            load_dataset(dataset(is_demo=True))

    def test_names_that_only_the_demo_had_go_with_it(self) -> None:
        load_dataset(dataset(is_demo=True, first=900))
        load_dataset(dataset(tags=pl.DataFrame(schema=TAGS), credits=pl.DataFrame(schema=CREDITS)))
        assert not Person.objects.exists()
        assert not Tag.objects.exists()


class TestTheCommand:
    def run(self, *arguments: object) -> str:
        out = StringIO()
        call_command("import_movielens", *map(str, arguments), stdout=out)
        return out.getvalue()

    @pytest.mark.slow
    def test_a_real_set_twice(self) -> None:
        path = movielens_path("ml-latest-small.zip")
        first = self.run(path, "--people", movielens_path("movie_people.csv.gz"))
        assert "9,742 films, 66,251 credits, 3,574 tags, 610 viewers, 100,836 ratings (100,836 new" in first
        assert "ratings a second" in first
        before = contents()
        assert "100,836 ratings (0 new, 0 changed, 0 repeated)" in self.run(path)
        assert contents() == before
        seen = history(1)
        assert seen is not None
        assert len(seen.movie_ids) == 232
        assert (seen.occurred_at[1:] >= seen.occurred_at[:-1]).all()

    def test_ml_1m_keeps_the_order_of_the_file_for_equal_times(self) -> None:
        assert "3,883 films, 0 credits, 0 tags, 6,040 viewers, 1,000,209 ratings" in self.run(
            movielens_path("ml-1m.zip")
        )
        first = history(1)
        assert first is not None
        assert first.movie_ids[:5].tolist() == [3186, 1270, 1721, 1022, 2340]
        assert str(Movie.objects.get(id=73)) == "Les Misérables (1995)"

    def test_broken_input_is_one_sentence_and_changes_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "movies.csv").write_text("movieId,title,genres\n1,Heat (1995),Crime\n")
        (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,1,4.0,5\n1,2,4.0,5\n")
        message = r"Nothing was imported\. ratings\.csv, line 3: film 2 does not stand in the file of films"
        with pytest.raises(CommandError, match=message):
            self.run(tmp_path)
        assert not Movie.objects.exists()


@pytest.mark.usefixtures("cast")
def test_real_histories_stay_beside_an_import() -> None:
    before = WatchEvent.objects.filter(viewer=ADA).count()
    movies = to_frame([{"id": f.id, "title": f.title, "year": f.year} for f in CAST_MOVIES], MOVIES)
    events = [(ADA, TOY_STORY, WATCH, None, None, START)]
    genres, credits_, tags = to_frame([], GENRES), to_frame([], CREDITS), to_frame([], TAGS)
    load_dataset(dataset(movies=movies, events=events, genres=genres, credits=credits_, tags=tags))
    seen = history(ADA)
    assert seen is not None
    assert len(seen.movie_ids) == before + 1
    assert seen.movie_ids[0] == TOY_STORY
    record_events([watch_event(ADA, STAR_WARS, datetime.now(UTC) - timedelta(days=1))])


class TestWhileOthersWrite:
    """Real connections, real commits; the import stands still in the middle of its events."""

    pytestmark = pytest.mark.django_db(transaction=True)

    @pytest.mark.parametrize("others", [False, True])
    def test_events_wait_or_pass_and_none_is_lost(self, others: bool) -> None:
        if others:
            load_dataset(dataset())
        reached, go_on = Event(), Event()

        def slowly() -> Iterator[pl.DataFrame]:
            yield to_frame([(7, 1, WATCH, None, None, START + 7)], EVENTS)
            reached.set()
            go_on.wait(20)
            yield to_frame([(9, 2, WATCH, None, None, START + 9)], EVENTS)

        def in_thread(work: Callable[..., Any], *arguments: Any) -> Any:
            try:
                return work(*arguments)
            finally:
                connections.close_all()

        now = datetime.now(UTC)
        with ThreadPoolExecutor(4) as pool:
            first = pool.submit(in_thread, load_dataset, replace(dataset(), events=slowly()))
            assert reached.wait(20)
            with pytest.raises(CatalogError, match="Another import is running"):
                load_dataset(dataset())
            writers = [
                pool.submit(in_thread, record_events, [watch_event(v, f, now)]) for v, f in ((7, 1), (9, 2), (70, 1))
            ]
            wait(writers, timeout=0.5)
            go_on.set()
            first.result()
            statuses = [writer.result()[0].status for writer in writers]
        assert statuses == ["stored"] * 3
        assert WatchEvent.objects.filter(occurred_at=now).count() == 3
        assert WatchEvent.objects.count() == 5 + 3 * others

    def test_a_reader_of_two_tables_and_an_import_do_not_end_each_other(self) -> None:
        """The reader has the viewers and wants the events, while the import empties these and then wants those."""

        def in_thread() -> LoadReport:
            try:
                return load_dataset(dataset())
            finally:
                connections.close_all()

        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM catalog_viewer")
                first = pool.submit(in_thread)
                wait([first], timeout=0.7)
                cursor.execute("SELECT count(*) FROM catalog_watchevent")
                wait([first], timeout=1.5)  # longer than Postgres leaves two that wait for each other
            first.result()
        assert first.result().created == WatchEvent.objects.count() > 0
