"""manage.py prepare: what `./run` does between the servers and the web, in one process: tables, data, model, lists."""

import hashlib
import json
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from catalog import selectors, services
from catalog.loading import remove_legacy_demo
from catalog.models import Movie, Viewer
from infrastructure import server_wait
from recommender import registry, tasks, training_data
from recommender.jobs import queue
from recommender.models import Job, ModelVersion
from recommender.registry.object_store import ObjectStoreUnavailable
from recommender.serving.chart import recommend_chart
from recommender.serving.metrics import suppress_metrics
from recommender.serving.request import RecommendRequest

ADMIN_NAME = "admin"
DEMO_SOURCE = "demo"
# Of training before the first start: somebody waits for it. The nightly run takes the preset's full epochs.
DEMO_MINUTES, DATA_MINUTES = 0.5, 10.0
WELCOME_MOVIES = 4  # in the request that the welcome suggests


class Command(BaseCommand):
    help = "Brings the database up to date, loads data and trains a model where there are none. Twice changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--data", type=Path, metavar="PATH", help="A MovieLens zip or folder, in place of the demo."
        )
        parser.add_argument("--people", type=Path, metavar="FILE", help="Directors and actors for --data.")
        parser.add_argument("--empty", action="store_true", help="No demo: a site for films of your own.")

    def handle(self, *args: Any, data: Path | None, people: Path | None, empty: bool, **options: Any) -> None:
        self._print_step("tables")
        for wait in (server_wait.wait_for_postgres, server_wait.wait_for_redis):
            wait(self._print_step)
        check_database_not_newer()
        call_command("migrate", verbosity=0, interactive=False)
        note = DataState(settings.DATA_NOTE)
        self._load_data(data, people, empty, note)
        if not note.trained or not self._can_serve():
            self._train(note)
        elif job := queue.create_unless_pending(Job.Kind.BATCH):
            # Redis starts empty. Until a worker has filled it, lists come from the model.
            tasks.enqueue(job)
        self._write_welcome(self._create_admin())

    def _print_step(self, line: str) -> None:
        self.stdout.write(f"--- {line}")
        self.stdout.flush()

    def _load_data(self, data: Path | None, people: Path | None, empty: bool, note: "DataState") -> None:
        """The demo comes into a database that never had any data, and not again once it was removed."""
        fresh = selectors.data_set() == 0
        if remove_legacy_demo():
            self._print_step("the demo of a former version, whose ids were those of real films, was removed")
            fresh = True
        if empty and services.remove_demo():
            self._print_step("the demo was removed")
        elif empty and fresh:
            services.bump_data_set()
        filled = Movie.objects.exists()
        if data is None:
            if fresh and not filled and not empty:
                self._print_step("demo: real films, simulated viewers")
                with note.loading(DEMO_SOURCE):
                    call_command("load_demo")
            elif note.source == DEMO_SOURCE and not selectors.has_demo():
                note.write(source="", trained=True)
            return
        source = fingerprint([path for path in (data, people) if path is not None])
        if filled and note.source == source:
            self._print_step(f"{data} is loaded already")
            return
        self._print_step(f"loading {data}")
        with note.loading(source):
            call_command("import_movielens", data, people=people)

    def _can_serve(self) -> bool:
        try:
            active, served = registry.active_name(), registry.servable_version()
        except ObjectStoreUnavailable as error:
            raise CommandError(str(error)) from error
        if served != active:
            then = f"{served} before it is served" if served else "another is trained"
            self._print_step(f"the active model {active} is gone, damaged or of another format: {then}")
        return served is not None

    def _train(self, note: "DataState") -> None:
        if training_data.missing_events():
            note.write(source=note.source, trained=True)
            self._print_step(training_data.no_model_message())
            return
        self._print_step("training the model")
        resume = (settings.CHECKPOINT_DIR / "run.json").exists()
        call_command("train", minutes=DEMO_MINUTES if note.source == DEMO_SOURCE else DATA_MINUTES, resume=resume)
        trained = ModelVersion.objects.filter(data_set=selectors.data_set()).order_by("-created_at").first()
        note.write(source=note.source, trained=True)
        if trained is None:
            return
        if trained.status != ModelVersion.Status.ACTIVE:
            if not note.source:  # a site of its own: popular films serve it until a night is better
                return
            registry.activate(trained.name, f"The first model of this data, though {trained.reason}")
        self._print_step("lists for every viewer")
        call_command("batch")

    def _create_admin(self) -> str:
        """The generated password while it is the admin's; an admin who changed it keeps theirs. In production it is the
        operator's own, and what `./run` prints goes into a journal."""
        password = settings.ADMIN_PASSWORD
        users = get_user_model()
        admin = users.objects.filter(username=ADMIN_NAME).first()
        if admin is None and password:
            admin = users.objects.create_superuser(ADMIN_NAME, password=password)
        known = admin is not None and not settings.PRODUCTION and admin.check_password(password)
        return password if known else ""

    def _write_welcome(self, password: str) -> None:
        """What `./run` shows when all is up: a request with films that are there, where no key is needed, and how to
        log in."""
        watched = simulated_history()
        films = list(dict.fromkeys(watched.movie_ids.tolist()))[-WELCOME_MOVIES:] if watched else popular_movie_ids()
        viewer = {"user_id": watched.viewer_id} if watched else {}
        request = viewer | {"history": [str(film) for film in films], "top_k": 10}
        titles = [f"{card.title} ({card.year})" for card in selectors.movie_cards(films).values()]
        shown = {
            "request": request if settings.API_OPEN and films else None,
            "films": bool(films),
            "model": "" if registry.active_name() else training_data.no_model_message(),
            "titles": titles,
            "admin": ADMIN_NAME,
            "password": password,
        }
        file = settings.STATE_DIR / "welcome.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(shown))


class DataState:
    """What this state folder's database was loaded from, and whether a model was trained on it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        found = json.loads(file.read_text()) if file.exists() else {}
        self.source: str = found.get("source", "")
        self.trained: bool = found.get("trained", True)  # without a note the database was filled by other means

    @contextmanager
    def loading(self, source: str) -> Iterator[None]:
        """A kill in the middle leaves a note that asks for training; an error changes nothing, as the load did not."""
        before = self.source, self.trained
        self.write(source="", trained=False)
        try:
            yield
        except Exception:
            self.write(source=before[0], trained=before[1])
            raise
        self.write(source=source, trained=False)

    def write(self, *, source: str, trained: bool) -> None:
        self.source, self.trained = source, trained
        aside = self._file.with_suffix(".new")
        aside.write_text(json.dumps({"source": source, "trained": trained}))
        aside.replace(self._file)


def check_database_not_newer() -> None:
    """Raises CommandError where the database was made by a newer version: this one would misread or harm it."""
    loader = MigrationLoader(connection)
    known = set(loader.disk_migrations) | {old for one in loader.disk_migrations.values() for old in one.replaces}
    ours = {app for app, _ in known}
    newer = sorted(f"{app}.{name}" for app, name in set(loader.applied_migrations) - known if app in ours)
    if newer:
        raise CommandError(
            f"The database is of a newer version of movierec (it has {newer[-1]}): start that version, restore a "
            "backup made with this one, or name another folder in MOVIEREC_STATE."
        )


def simulated_history() -> selectors.History | None:
    """Of a viewer whom the demo made up: what real ones watched is nothing for a terminal."""
    made_up = Viewer.objects.filter(is_simulated=True, events__isnull=False).order_by("pk")
    viewer_id = made_up.values_list("pk", flat=True).first()
    return selectors.history(viewer_id) if viewer_id else None


def popular_movie_ids() -> list[int]:
    """Films that may be shown, of those watched most; any where nothing was watched."""
    with suppress_metrics():
        answer = recommend_chart(RecommendRequest(viewer_id=None, top_k=WELCOME_MOVIES), "popular")
    films = [one.movie_id for one in answer.recommendations]
    return films or list(Movie.objects.filter(published=True).values_list("pk", flat=True)[:WELCOME_MOVIES])


def fingerprint(paths: list[Path]) -> str:
    """Tells one data set from another: files by content, folders by their files' names, sizes and times."""
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
