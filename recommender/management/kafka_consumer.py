"""Take events from Kafka at least once: offsets are committed after the database has committed.

A message is an event as POST /events takes it, a list of them, or a message in Segment's form. An event without an
`event_id` gets one from its place in the topic, so what is read twice counts once. What cannot be stored goes to the
dead-letter topic, or is counted and logged by its place alone.
"""

import hashlib
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import (
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections

from catalog.keys import MAX_KEY_LENGTH
from catalog.plurals import count_noun
from recommender.api.events import to_client_events
from recommender.api.stream.messages import TYPES
from recommender.api.stream.track import take_messages
from recommender.ingest.events import record_client_events

BATCH = 500  # messages at a time
POLL_SECONDS = 1.0
ASSIGN_SECONDS = 60.0  # a group may take so long to give its members their partitions
RETRY_SECONDS = (1, 2, 5, 10, 30)  # while the database is away; the last one goes on
FLUSH_SECONDS = 30.0  # for the dead letters of a batch
MAX_POLL_MILLISECONDS = 600_000  # a batch that takes longer is read again by another consumer
TRANSIENT_ERRORS = (OperationalError, InterfaceError)
DONE = {"stored", "duplicate", "merged", "written", "deleted", "ignored"}

log = logging.getLogger(__name__)


class DeadLetterError(Exception):
    """The dead-letter topic does not take messages: nothing is committed."""


@dataclass(slots=True)
class Progress:
    """What became of the messages so far: events by their status, and messages that could not be stored."""

    messages: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    refused: int = 0

    def __str__(self) -> str:
        counts = ", ".join(f"{count:,} {status}" for status, count in sorted(self.statuses.items()))
        return f"{count_noun(self.messages, 'message')}, {self.refused:,} refused" + (f": {counts}" if counts else "")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message could not be stored, in part or as a whole."""

    message: Message
    reason: str


class KafkaConsumer:
    """A member of a consumer group that stores what its topics bring."""

    def __init__(self, options: Mapping[str, Any], group: str, topics: Sequence[str], dead_letters: str) -> None:
        own = {"group.id": group, "enable.auto.commit": False, "max.poll.interval.ms": MAX_POLL_MILLISECONDS}
        self._consumer = Consumer({"auto.offset.reset": "earliest", **options, **own})
        self._producer = Producer({"enable.idempotence": True, **options}) if dead_letters else None
        self._topics, self._dead_letters = list(topics), dead_letters
        self.progress = Progress()

    def run(self, *, should_stop: Callable[[], bool], idle_seconds: float | None) -> None:
        """Take messages until `should_stop`, or until none has come for `idle_seconds`.

        Raises KafkaException where the brokers refuse, DeadLetterError where the dead letters cannot be written.
        """
        last = time.monotonic() + ASSIGN_SECONDS  # until the group has given out its partitions

        def start_clock(*_: Any) -> None:
            nonlocal last
            last = time.monotonic()

        self._consumer.subscribe(self._topics, on_assign=start_clock)
        try:
            while not should_stop():
                messages = self._consumer.consume(BATCH, POLL_SECONDS)
                good = [message for message in messages if self._is_message(message)]
                if good:
                    self._store_until_done(good)
                    self._commit(good)
                    last = time.monotonic()
                elif idle_seconds is not None and time.monotonic() - last >= idle_seconds:
                    break
        finally:
            self._consumer.close()

    def _is_message(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        if error.code() == KafkaError._PARTITION_EOF or error.retriable():
            return False
        raise KafkaException(error)

    def _store_until_done(self, messages: Sequence[Message]) -> None:
        """Store a batch, again and again while the database is away: nothing behind it is read meanwhile."""
        attempt = 0
        while True:
            try:
                refusals, statuses = store(messages)
                break
            except TRANSIENT_ERRORS as error:
                seconds = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
                log.warning("The database does not answer (%s): once more in %d s", type(error).__name__, seconds)
                close_old_connections()
                time.sleep(seconds)
                attempt += 1
        self._write_dead_letters(refusals)
        self.progress.messages += len(messages)
        self.progress.statuses += statuses
        self.progress.refused += len(refusals)

    def _write_dead_letters(self, refusals: Sequence[Refusal]) -> None:
        first = {_place(refusal.message): refusal for refusal in reversed(refusals)}  # a message once
        for place, refusal in first.items():
            log.warning("Not stored: %s, %s", place, refusal.reason.partition(":")[0][:60])  # no value of it
            if self._producer is not None:
                headers: dict[str, str | bytes | None] = {
                    "movierec-place": place.encode(),
                    "movierec-reason": refusal.reason[:500].encode(),
                }
                self._producer.produce(
                    self._dead_letters, refusal.message.value(), refusal.message.key(), headers=headers
                )
        if self._producer is not None and refusals and self._producer.flush(FLUSH_SECONDS):
            raise DeadLetterError(f"The topic {self._dead_letters} does not take messages.")

    def _commit(self, messages: Sequence[Message]) -> None:
        """Commit the offsets behind the messages. A commit that fails only means that they are read again."""
        behind: dict[tuple[str, int], int] = {}
        for message in messages:
            place = str(message.topic()), int(message.partition() or 0)
            behind[place] = max(behind.get(place, 0), int(message.offset() or 0) + 1)
        offsets = [TopicPartition(topic, partition, offset) for (topic, partition), offset in behind.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            log.warning("Offsets are not committed, so %d messages come again: %s", len(messages), error.args[0].str())


def store(messages: Sequence[Message]) -> tuple[list[Refusal], Counter[str]]:
    """Store a batch; where that fails for what is in it, each message by itself: what was stored before counts once.

    Returns the messages that could not be stored, and the events of the others by status.
    """
    try:
        return _store_together(messages)
    except TRANSIENT_ERRORS:
        raise
    except (DatabaseError, ValueError, TypeError, ArithmeticError) as error:
        if len(messages) == 1:
            return [Refusal(messages[0], f"{type(error).__name__}: cannot be stored")], Counter()
    refusals: list[Refusal] = []
    statuses: Counter[str] = Counter()
    for message in messages:
        more, counts = store([message])
        refusals += more
        statuses += counts
    return refusals, statuses


def _store_together(messages: Sequence[Message]) -> tuple[list[Refusal], Counter[str]]:
    refusals: list[Refusal] = []
    statuses: Counter[str] = Counter()
    events: list[dict[str, Any]] = []
    sources: list[Message] = []

    def note(message: Message, status: str, reason: str) -> None:
        if status in DONE:
            statuses[status] += 1
        else:
            refusals.append(Refusal(message, f"{status}: {reason}" if status != "rejected" else reason))

    def flush() -> None:
        for start in range(0, len(events), BATCH):
            recorded = record_client_events(to_client_events(events[start : start + BATCH]))
            for message, result in zip(sources[start:], recorded.results, strict=False):
                note(message, str(result.status), result.reason)
        events.clear()
        sources.clear()

    for message in messages:
        value = message.value()
        if value is None:  # a tombstone
            continue
        try:
            parsed = json.loads(value)
        except (ValueError, RecursionError):
            refusals.append(Refusal(message, "it is no JSON in UTF-8"))
            continue
        parts = parsed if isinstance(parsed, list) else [parsed]
        if not parts or not all(isinstance(part, dict) for part in parts):
            refusals.append(Refusal(message, "it is no event, no list of events and no message of Segment's"))
        elif parts[0].get("type") in TYPES and "kind" not in parts[0]:
            flush()  # what came before is done before
            outcomes, _ = take_messages([_named(part, message, index) for index, part in enumerate(parts)], "", True)
            for outcome in outcomes:
                note(message, outcome.status, outcome.reason)
        else:
            events += [_placed(part, message, index) for index, part in enumerate(parts)]
            sources += [message] * len(parts)
    flush()
    return refusals, statuses


def _placed(event: dict[str, Any], message: Message, index: int) -> dict[str, Any]:
    """Return an event with an id and a moment from its place in the topic, where it has none of its own."""
    kind, milliseconds = message.timestamp()
    moment = {} if kind == TIMESTAMP_NOT_AVAILABLE else {"occurred_at": _moment(milliseconds)}
    return moment | {"event_id": _place_key(message, index)} | event


def _named(part: dict[str, Any], message: Message, index: int) -> dict[str, Any]:
    kind, milliseconds = message.timestamp()
    moment = {} if kind == TIMESTAMP_NOT_AVAILABLE else {"originalTimestamp": _moment(milliseconds)}
    return moment | {"messageId": _place_key(message, index)} | part


def _moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat()


def _place(message: Message) -> str:
    return f"{message.topic()}/{message.partition()}/{message.offset()}"


def _place_key(message: Message, index: int) -> str:
    """Return a key of the message's place and time: a topic that is made anew has other times."""
    key = f"kafka:{_place(message)}/{message.timestamp()[1]}/{index}"
    return key if len(key) <= MAX_KEY_LENGTH else "kafka:" + hashlib.sha256(key.encode()).hexdigest()
