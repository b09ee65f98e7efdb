"""Add what a site has after some time besides its catalogue and viewers."""

import random
from datetime import timedelta
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.db import connection
from django.utils import timezone

from catalog.models import Genre, Movie, Person, Rule, Viewer
from recommender.models import ApiKey, Job, ModelVersion

TAGS = 8  # per film; as many tags as films
IMPRESSIONS = 20  # per viewer
NIGHTLY_JOBS, BATCHES, POSTED_BATCHES, IMPORTS = 90, 130, 20, 150
VERSIONS, RULES, KEYS, STAFF, EDITS = 60, 60, 30, 40, 5_000
POSTED_VIEWERS = 1_000  # whose histories a client posted with its batch, of 100 films each
EPOCHS = 26

_TAGS = "INSERT INTO catalog_tag (name) SELECT 'tag ' || id FROM catalog_movie ON CONFLICT DO NOTHING"
_MOVIE_TAGS = """
    INSERT INTO catalog_movietag (movie_id, tag_id, count)
    SELECT films[1 + n %% cardinality(films)],
           tags[1 + floor(cardinality(tags) * power(mod(n * 0.618034, 1), 2))::int], 1 + n %% 9
    FROM (SELECT array_agg(id) AS films FROM catalog_movie) f, (SELECT array_agg(id) AS tags FROM catalog_tag) t,
         generate_series(1, %s::bigint) n
    ON CONFLICT DO NOTHING
"""
_NAMES = "UPDATE catalog_viewer SET name = 'Watcher ' || md5(id::text)"
_IMPRESSIONS = """
    INSERT INTO recommender_impression (occurred_at, viewer_id, movie_id, kind, position, recommendation_id)
    SELECT now() - n * interval '3 seconds', viewers[1 + n * 7919 %% cardinality(viewers)],
           films[1 + n * 104729 %% cardinality(films)], 1 + (n %% 25 = 0)::int, n %% 20, md5((n / 20)::text)
    FROM (SELECT array_agg(id) AS viewers FROM catalog_viewer) v, (SELECT array_agg(id) AS films FROM catalog_movie) f,
         generate_series(1, %s::bigint) n
"""


def populate_site() -> None:
    """Add tags, impressions, jobs, versions, rules, keys, staff and their edits; nothing that changes a list."""
    with connection.cursor() as cursor:
        cursor.execute(_TAGS)
        cursor.execute(_MOVIE_TAGS, [TAGS * Movie.objects.count()])
        cursor.execute(_NAMES)
        cursor.execute(_IMPRESSIONS, [IMPRESSIONS * Viewer.objects.count()])
    _jobs()
    _versions()
    _rules()
    for number in range(KEYS):
        ApiKey.objects.create_key(name=f"client {number}", scopes=list(ApiKey.Scope))
    _staff()


def _jobs() -> None:
    now, log = timezone.now(), "\n".join(f"Epoch 1 | Step {step} | Loss: 5.1234 | Avg: 5.2345" for step in range(160))
    histories = {str(viewer): list(range(1, 101)) for viewer in range(POSTED_VIEWERS)}
    kinds: list[tuple[Job.Kind, int, dict[str, Any]]] = [
        (Job.Kind.NIGHTLY, NIGHTLY_JOBS, {}),
        (Job.Kind.BATCH, BATCHES, {}),
        (Job.Kind.BATCH, POSTED_BATCHES, {"user_histories": histories, "top_k": 50}),
        (Job.Kind.IMPORT, IMPORTS, {"of": "events"}),
    ]
    for kind, number, parameters in kinds:
        Job.objects.bulk_create(
            Job(
                kind=kind,
                status=Job.Status.DONE,
                parameters=parameters,
                log_tail=log,
                result={"viewers": 1},
                done=1,
                total=1,
            )
            for _ in range(number)
        )
        Job.objects.filter(kind=kind).update(started_at=now - timedelta(hours=1), finished_at=now)


def _versions() -> None:
    figures = {"ndcg10": 0.1, "hr10": 0.2, "baselines": {"popularity": {"ndcg10": 0.05, "hr10": 0.1}}}
    segment = {"targets": 900, "candidate": 0.1, "active": 0.1, "difference": 0.0, "low": -0.01, "high": 0.01}
    gate = {
        "checks": [{"passed": True, "name": "better", "told": "0.1"}],
        "segments": {f"s{n}": segment for n in range(20)},
    }
    epochs = [{"epoch": n, "loss": 5 / (n + 1), "ndcg10": 0.1, "seconds": 60.0} for n in range(EPOCHS)]
    values = {"metrics": figures | {"gate": gate}, "history": epochs}
    ModelVersion.objects.update(**values)
    ModelVersion.objects.bulk_create(
        ModelVersion(name=f"v{n}", status=ModelVersion.Status.RETIRED, preset="default", **values)
        for n in range(VERSIONS)
    )


def _rules() -> None:
    movies, genres, people = (list(targets.objects.order_by("pk")[:RULES]) for targets in (Movie, Genre, Person))
    targets = [
        ({"by": "movie", "movie": movie} if n % 2 else {"by": "genre", "genre": genres[n % len(genres)]})
        for n, movie in enumerate(movies)
    ]
    targets += [{"by": "person", "person": person} for person in people]
    over = timezone.now() - timedelta(days=1)
    Rule.objects.bulk_create(
        Rule(name=f"rule {n}", action="boost", ends_at=over, **target) for n, target in enumerate(targets)
    )


def _staff() -> None:
    groups, random_source = list(Group.objects.all()), random.Random(1)
    people = User.objects.bulk_create(User(username=f"staff{n}", is_staff=True) for n in range(STAFF))
    for person in people:
        person.groups.add(random_source.choice(groups))
    movies = list(Movie.objects.order_by("pk")[:EDITS])
    for person in people:
        LogEntry.objects.log_actions(
            person.pk, random_source.choices(movies, k=EDITS // STAFF), CHANGE, change_message="Title: a → b"
        )
