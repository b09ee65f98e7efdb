"""A nightly job on next to no data: it trains, or says in a sentence what is missing; it never fails."""

import random
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from catalog.models import Genre, Movie, WatchEvent
from catalog.services import NewEvent, record_events
from recommender import registry, tasks, training_data
from recommender.jobs import leases
from recommender.models import Job, ModelVersion
from recommender.training import first_nightly, nightly
from tests.support.api import ApiClient
from tests.support.tiny_model import clear_caches

MORNING = datetime(2024, 3, 1, 8, 0, tzinfo=UTC)
WATCH, RATING, LIKE = WatchEvent.Kind.WATCH, WatchEvent.Kind.RATING, WatchEvent.Kind.LIKE


@pytest.fixture(autouse=True)
def site(transactional_db):
    """Yield an empty site; what a nightly job leaves is deleted with it."""
    clear_caches()
    yield
    for version in ModelVersion.objects.all():
        shutil.rmtree(registry.folder(version.name), ignore_errors=True)
    shutil.rmtree(settings.CHECKPOINT_DIR, ignore_errors=True)
    clear_caches()


def create_movies(count, genres=True):
    Movie.objects.bulk_create(Movie(id=n, title=f"Film {n}", year=1990 + n % 30) for n in range(1, count + 1))
    if genres and count:
        drama = Genre.objects.get_or_create(name="Drama")[0]
        link = Movie.genres.through
        link.objects.bulk_create(link(movie_id=n, genre_id=drama.pk) for n in range(1, count + 1, 2))


def create_events(viewers, each, catalogue, kinds=(WATCH,), same_time=False, seed=1):
    chance, events = random.Random(seed), []
    for viewer in range(1, viewers + 1):
        for step, film in enumerate(chance.sample(range(1, catalogue + 1), min(each, catalogue))):
            kind = chance.choice(kinds)
            at = MORNING if same_time else MORNING + timedelta(hours=viewer + 5 * step)
            events.append(NewEvent(viewer, film, kind, at, chance.choice((1.0, 3.5, 5.0)) if kind == RATING else None))
    record_events(events)


def run_nightly(**options):
    job = Job.objects.create(kind="nightly", parameters={"preset": "basic", "epochs": 1, "device": "cpu"} | options)
    lease = leases.claim(job.pk)
    with leases.running_lease(lease):
        nightly.run(lease)
    job.refresh_from_db()
    assert (job.status, job.error) == (Job.Status.DONE, "")
    return job.result


TOO_LITTLE = {
    "nothing": (0, 0, 0, {}),
    "films alone": (30, 0, 0, {}),
    "one film": (1, 20, 1, {}),
    "a few watches": (30, 5, 5, {}),
    "three films each": (30, 60, 3, {}),
    "only likes": (30, 40, 8, {"kinds": (LIKE,)}),
}
ENOUGH = {
    "four films each": (4, 25, 4, {}),
    "at one moment": (12, 30, 5, {"same_time": True}),
    "only ratings": (30, 30, 6, {"kinds": (RATING,)}),
    "of every kind": (30, 40, 9, {"kinds": tuple(WatchEvent.Kind)[:1] * 3 + (RATING, LIKE)}),
    "one heavy viewer": (150, 1, 140, {}),
}


@pytest.mark.parametrize("shape", TOO_LITTLE)
def test_too_little_data_ends_the_job_as_done_and_says_what_is_missing(shape):
    catalogue, viewers, each, more = TOO_LITTLE[shape]
    create_movies(catalogue)
    create_events(viewers, each, catalogue, **more)

    result = run_nightly()

    assert result["version"] is None
    assert result["reason"].startswith(f"not enough data yet: {training_data.missing_events()} more event")
    assert not first_nightly.is_due()
    body = ApiClient().get("/health/ready")
    assert body["parts"]["model"].startswith(f"no model yet, {training_data.missing_events()} more event")


@pytest.mark.parametrize("shape", ENOUGH)
def test_enough_is_enough(shape):
    catalogue, viewers, each, more = ENOUGH[shape]
    create_movies(catalogue, genres=shape != "only ratings")
    create_events(viewers, each, catalogue, **more)
    assert training_data.missing_events() == 0
    assert first_nightly.is_due()

    result = run_nightly()

    assert result["version"] or result["reason"].startswith("not enough data yet")
    assert result["version"] is None or not first_nightly.is_due(), "the schedule's nights go on from here"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(25))
def test_any_small_site_is_trained_or_says_what_is_missing(seed):
    chance = random.Random(seed)
    catalogue = chance.choice((1, 2, 3, 5, 12, 40, 120))
    create_movies(catalogue, genres=chance.random() < 0.7)
    for part in range(chance.randint(1, 3)):
        kinds = tuple(chance.sample(list(WatchEvent.Kind), chance.randint(1, 4)))
        create_events(
            chance.randint(1, 260), chance.randint(1, 9), catalogue, kinds, chance.random() < 0.3, seed + part
        )

    result = run_nightly(preset=chance.choice(("basic", "default")))

    assert result["version"] or result["reason"].startswith("not enough data yet")
    call_command("batch")
    assert ApiClient().get("/health/ready")["status"] == "ready"


def test_commands_say_what_is_missing_and_do_not_fail(capsys):
    create_movies(3)
    create_events(3, 3, 3)

    call_command("train")
    call_command("nightly")
    call_command("batch")

    output = capsys.readouterr().out
    assert output.count("No model was trained: not enough data yet: 100 more events") == 2
    assert "There is no active model yet: lists are popular films" in output


def test_going_on_without_a_checkpoint_says_so(capsys):
    create_movies(12)
    create_events(30, 5, 12)

    call_command("train", preset="basic", epochs=1, resume=True)

    assert "There is no checkpoint of this preset on this data" in capsys.readouterr().out


def test_the_first_nightly_job_is_enqueued_by_itself_and_once():
    create_movies(12)
    create_events(10, 5, 12)
    assert tasks.enqueue_first_nightly() is None
    create_events(30, 5, 12)

    order = tasks.enqueue_first_nightly()

    assert Job.objects.get(pk=order).kind == Job.Kind.NIGHTLY
    assert tasks.enqueue_first_nightly() is None, "it is waiting already"
    Job.objects.update(status=Job.Status.FAILED, finished_at=timezone.now())
    assert tasks.enqueue_first_nightly() is None, "a job that fails is not tried again at once"
