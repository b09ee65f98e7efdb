"""manage.py prepare: what `./run` does between the servers and the web, in one process: tables, data, model, lists."""

import hashlib
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from catalog import selectors, services
from catalog.models import Movie, Viewer
from infrastructure import server_wait
from recommender import registry, tasks, training_data
from recommender.data_state import DataState
from recommender.jobs import queue
from recommender.management.foreground import run_job
from recommender.models import Job, ModelVersion
from recommender.movies.movie_ids import movie_id_texts
from recommender.registry.object_store import ObjectStoreUnavailable
from recommender.serving.chart import recommend_chart
from recommender.serving.metrics import suppress_metrics
from recommender.serving.request import RecommendRequest
from recommender.training import evidence

ADMIN_NAME = "admin"
DEMO_SOURCE = "demo"
# Minutes of training before the first start, which a person waits for; the nightly job trains the preset's epochs.
DEMO_MINUTES, DATA_MINUTES = 0.5, 10.0
WELCOME_MOVIES = 4  # in the request that the welcome suggests


class Command(BaseCommand):
    help = "Brings the database up to date, loads data and trains a model where there are none. Twice changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, metavar="PATH", help="A zip or folder of MovieLens or MovieTweetings.")
        parser.add_argument("--people", type=Path, metavar="FILE", help="Directors and actors for --data.")
        parser.add_argument("--empty", action="store_true", help="No demo: a site for films of your own.")
        parser.add_argument(
            "--tables", action="store_true", help="The tables and the first admin alone, as before an upgrade."
        )

    def handle(
        self, *args: Any, data: Path | None, people: Path | None, empty: bool, tables: bool, **options: Any
    ) -> None:
        self._print_step("tables")
        for wait in (server_wait.wait_for_postgres, server_wait.wait_for_redis):
            wait(self._print_step)
        check_database_not_newer()
        call_command("migrate", verbosity=0, interactive=False)
        if tables:
            if selectors.data_set() == 0:  # a demo would be loaded by a later start
                services.bump_data_set()
            self._create_admin()
            return
        state = DataState(settings.DATA_NOTE)
        self._load_data(data, people, empty, state)
        if not state.is_trained or not self._can_serve():
            self._train(state)
        elif job := queue.create_unless_pending(Job.Kind.BATCH):
            # Redis starts empty. Until a worker has filled it, lists come from the model.
            tasks.enqueue(job)
        self._write_welcome(self._create_admin())

    def _print_step(self, line: str) -> None:
        self.stdout.write(f"--- {line}")
        self.stdout.flush()

    def _load_data(self, data: Path | None, people: Path | None, empty: bool, state: DataState) -> None:
        """Load the data set, or the demo into a database that never had any data; a demo that was removed stays out."""
        is_fresh = selectors.data_set() == 0
        if selectors.has_legacy_demo() and _remove_legacy_demo():
            self._print_step("the demo of a former version, whose ids were those of real films, was removed")
            is_fresh = True
        if empty and services.remove_demo():
            self._print_step("the demo was removed")
        elif empty and is_fresh:
            services.bump_data_set()
        has_movies = Movie.objects.exists()
        if data is None:
            if is_fresh and not has_movies and not empty:
                self._print_step("demo: real films, simulated viewers")
                with state.loading(DEMO_SOURCE):
                    call_command("load_demo")
            elif state.source == DEMO_SOURCE and not selectors.has_demo():
                state.save(source="", is_trained=True)
            return
        source = fingerprint([path for path in (data, people) if path is not None])
        if has_movies and state.source == source:
            self._print_step(f"{data} is loaded already")
            return
        self._print_step(f"loading {data}")
        with state.loading(source):
            call_command("import_movielens", data, people=people)

    def _can_serve(self) -> bool:
        """Return whether there is a model to serve. Raises CommandError while the model store does not answer."""
        try:
            active, served = registry.active_name(), registry.servable_version()
        except ObjectStoreUnavailable as error:
            raise CommandError(str(error)) from error
        if served != active:
            remedy = f"{served} before it is served" if served else "another is trained"
            self._print_step(f"the active model {active} is gone, damaged or of another format: {remedy}")
        return served is not None

    def _train(self, state: DataState) -> None:
        """Train the first model, activate it, and store a list for every viewer."""
        if training_data.missing_events():
            state.save(source=state.source, is_trained=True)
            self._print_step(training_data.no_model_message())
            return
        if self._waits_for_night(state):
            return
        self._print_step("training the model")
        resume = (settings.CHECKPOINT_DIR / "run.json").exists()
        call_command("train", minutes=DEMO_MINUTES if state.source == DEMO_SOURCE else DATA_MINUTES, resume=resume)
        version = newest_version()
        state.save(source=state.source, is_trained=True)
        if version is None:
            return
        if version.status != ModelVersion.Status.ACTIVE:
            if not state.source:  # a site's own data: popular films are listed until a nightly model is better
                return
            if self._waits_for_night(state):
                return
            registry.activate(version.name, f"Nothing else was there, though {version.reason}")
        self._print_step("lists for every viewer")
        from recommender.training import batch  # torch, which a start with a model does without

        run_job(Job.Kind.BATCH, {}, batch.run, self.stdout)  # without home pages: they are made when they are asked for

    def _waits_for_night(self, state: DataState) -> bool:
        """Return whether the newest model is a candidate that popular films are better than: they are listed then, and
        a nightly job trains on. The demo shows a model, whatever it is worth."""
        version = newest_version()
        if state.source == DEMO_SOURCE or version is None or version.status != ModelVersion.Status.CANDIDATE:
            return False
        better = evidence.better_without_it(version.metrics)
        if better is None:
            return False
        self._print_step(f"{version.name} does not go live: {better} are better for the next visit")
        self._print_step(
            "popular films are listed until a model is better; a longer training goes on in the background"
        )
        if job := queue.create_unless_pending(Job.Kind.NIGHTLY):
            tasks.enqueue(job)
        return True

    def _create_admin(self) -> str:
        """Create the admin; return the generated password while it is still the admin's, else nothing.

        In production nothing is returned: the password is the operator's own, and what `./run` prints goes into a
        journal.
        """
        password = settings.ADMIN_PASSWORD
        users = get_user_model()
        admin = users.objects.filter(username=ADMIN_NAME).first()
        if admin is None and password:
            admin = users.objects.create_superuser(ADMIN_NAME, password=password)
        may_show = admin is not None and not settings.PRODUCTION and admin.check_password(password)
        return password if may_show else ""

    def _write_welcome(self, password: str) -> None:
        """Write what `./run` prints when all is up: how to log in, and a request with movies that are there.

        The request is left out where the API takes a key.
        """
        history = simulated_history()
        if history:
            movie_ids = list(dict.fromkeys(history.movie_ids.tolist()))[-WELCOME_MOVIES:]
        else:
            movie_ids = popular_movie_ids()
        viewer = {"user_id": history.viewer_id} if history else {}
        request = viewer | {"history": movie_id_texts(movie_ids), "top_k": 10}
        welcome = {
            "request": request if settings.API_OPEN and movie_ids else None,
            "films": bool(movie_ids),
            "model": "" if registry.active_name() else training_data.no_model_message(),
            "titles": [f"{card.title} ({card.year})" for card in selectors.movie_cards(movie_ids).values()],
            "admin": ADMIN_NAME,
            "password": password,
        }
        file = settings.STATE_DIR / "welcome.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(welcome))


def _remove_legacy_demo() -> bool:
    from catalog.loading import remove_legacy_demo  # with polars, for which no other start has to wait

    return remove_legacy_demo() is not None


def newest_version() -> ModelVersion | None:
    """Return the version of the present data that was trained last."""
    return ModelVersion.objects.filter(data_set=selectors.data_set()).order_by("-created_at").first()


def check_database_not_newer() -> None:
    """Raise CommandError for the database of a newer version: this one would misread or harm it."""
    loader = MigrationLoader(connection)
    known = set(loader.disk_migrations)
    for migration in loader.disk_migrations.values():
        known.update(migration.replaces)
    known_apps = {app for app, _ in known}
    newer = sorted(f"{app}.{name}" for app, name in set(loader.applied_migrations) - known if app in known_apps)
    if newer:
        raise CommandError(
            f"The database is of a newer version of movierec (it has {newer[-1]}): start that version, restore a "
            "backup made with this one, or name another folder in MOVIEREC_STATE."
        )


def simulated_history() -> selectors.History | None:
    """Return the history of a simulated viewer: what real ones watched does not belong in a terminal."""
    simulated = Viewer.objects.filter(is_simulated=True, events__isnull=False).order_by("pk")
    viewer_id = simulated.values_list("pk", flat=True).first()
    return selectors.history(viewer_id) if viewer_id else None


def popular_movie_ids() -> list[int]:
    """Return movies that may be shown, the most watched; any where nothing was watched."""
    with suppress_metrics():
        answer = recommend_chart(RecommendRequest(viewer_id=None, top_k=WELCOME_MOVIES), "popular")
    movie_ids = [recommendation.movie_id for recommendation in answer.recommendations]
    return movie_ids or list(Movie.objects.filter(published=True).values_list("pk", flat=True)[:WELCOME_MOVIES])


def fingerprint(paths: list[Path]) -> str:
    """Return a digest that tells data sets apart: files by content, folders by their files' names, sizes and times."""
    digest = hashlib.sha256()
    for path in paths:
        if path.is_dir():
            for file in sorted(file for file in path.rglob("*") if file.is_file()):
                facts = file.stat()
                digest.update(f"{file.relative_to(path)} {facts.st_size} {facts.st_mtime_ns}\n".encode())
        else:
            with path.open("rb") as content:
                digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()
