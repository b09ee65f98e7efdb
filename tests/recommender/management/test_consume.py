"""manage.py consume, against librdkafka's mock cluster: at least once, nothing lost silently."""

from io import StringIO

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException
from django.core.management import CommandError, call_command
from django.db import OperationalError

from catalog.models import Viewer, WatchEvent
from recommender.management import kafka_consumer
from tests.support.cast import ADA, BEN, JEDI, MATRIX, NEMO
from tests.support.kafka_cluster import KafkaCluster
from tests.support.viewer_traces import event

pytestmark = pytest.mark.usefixtures("cast")
KEY = "anna@example.org"


@pytest.fixture(scope="module")
def cluster():
    return KafkaCluster()


@pytest.fixture
def consume(cluster, settings):
    settings.KAFKA_BROKERS = cluster.brokers
    # The mock cluster gives a member's partitions to the next one when its session has ended.
    settings.KAFKA_OPTIONS = {"session.timeout.ms": 5_000, "heartbeat.interval.ms": 500}

    def run(topic, **options):
        out = StringIO()
        call_command("consume", topic, group=topic, idle_seconds=1.5, stdout=out, **options)
        return out.getvalue().strip()

    return run


def count(viewer):
    return WatchEvent.objects.filter(viewer=viewer).count()


@pytest.mark.slow
def test_events_and_messages_are_stored_and_the_rest_goes_to_the_dead_letters(cluster, consume, caplog):
    before = count(ADA)
    cluster.send(
        "films",
        event(ADA, NEMO, "like", event_id="e-1"),
        [event(KEY, NEMO), event(KEY, JEDI, "rating", rating=4)],
        {"type": "track", "event": "Movie Watched", "userId": KEY, "properties": {"movie_id": str(MATRIX)}},
        {"type": "identify", "userId": KEY, "traits": {"language": "de"}},
        {"user_id": ADA, "movie_id": str(JEDI), "kind": "like"},  # without a moment: that of the message
        b"no JSON: anna@example.org",
        event(ADA, 999_999),
        None,
        b"7",
        event(ADA, NEMO, "like", event_id="e-1"),
    )
    said = consume("films", dead_letters="films.dead")

    assert said == "10 messages, 3 refused: 1 duplicate, 5 stored, 1 written."
    assert count(ADA) == before + 2
    assert Viewer.objects.get(key=KEY).language == "de"
    assert WatchEvent.objects.filter(viewer__key=KEY).count() == 3
    dead = cluster.read("films.dead", 3)
    assert {value for value, _ in dead} >= {b"no JSON: anna@example.org", b"7"}
    assert {headers["movierec-place"] for _, headers in dead} == {"films/0/5", "films/0/6", "films/0/8"}
    assert all(headers["movierec-reason"] for _, headers in dead)
    assert KEY not in caplog.text
    assert "films/0/5" in caplog.text
    assert consume("films") == "0 messages, 0 refused.", "the offsets were committed"


@pytest.mark.slow
def test_what_is_read_twice_counts_once(cluster, consume, monkeypatch):
    """The process ends after the database has committed and before Kafka has."""
    cluster.send("twice", {"user_id": BEN, "movie_id": str(MATRIX), "kind": "watch"}, event(BEN, JEDI))
    before = count(BEN)

    class Lost(Consumer):
        def commit(self, *_, **__):
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))

    with monkeypatch.context() as patched:
        patched.setattr(kafka_consumer, "Consumer", Lost)
        assert consume("twice") == "2 messages, 0 refused: 2 stored."
    assert consume("twice") == "2 messages, 0 refused: 2 duplicate."
    assert count(BEN) == before + 2


def test_nothing_is_skipped_while_the_database_is_away(cluster, consume, monkeypatch):
    cluster.send("away", event(BEN, JEDI, "like"))
    failures = [OperationalError("gone"), OperationalError("gone")]
    record = kafka_consumer.record_client_events

    def flaky(events):
        if failures:
            raise failures.pop()
        return record(events)

    monkeypatch.setattr(kafka_consumer, "record_client_events", flaky)
    monkeypatch.setattr(kafka_consumer, "RETRY_SECONDS", (0,))
    monkeypatch.setattr(kafka_consumer, "close_old_connections", lambda: None)  # the test's own
    assert consume("away") == "1 message, 0 refused: 1 stored."


def test_it_says_what_it_lacks(consume, settings):
    with pytest.raises(CommandError, match="--dead-letters is one of the topics"):
        consume("films", dead_letters="films")
    settings.KAFKA_BROKERS = ""
    with pytest.raises(CommandError, match="MOVIEREC_KAFKA_BROKERS"):
        consume("films")
