"""librdkafka's own mock cluster on loopback: it speaks Kafka's protocol, with groups and offsets, and keeps nothing."""

import json
from typing import Any

from confluent_kafka import Consumer, Producer


class KafkaCluster:
    """A cluster of one broker, which lives as long as this object."""

    def __init__(self) -> None:
        self._owner = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "mock"})
        [broker] = self._owner.list_topics(timeout=10).brokers.values()
        self.brokers = f"{broker.host}:{broker.port}"
        self._producer = Producer({"bootstrap.servers": self.brokers})

    def send(self, topic: str, *values: Any) -> None:
        """Produce messages: bytes as they are, anything else as JSON. All go to one partition, so in their order."""
        for value in values:
            data = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
            self._producer.produce(topic, data, partition=0)
        assert self._producer.flush(10) == 0

    def read(self, topic: str, count: int) -> list[tuple[bytes, dict[str, str]]]:
        """Return the first messages of a topic with their headers."""
        consumer = Consumer({"bootstrap.servers": self.brokers, "group.id": "reader", "auto.offset.reset": "earliest"})
        consumer.subscribe([topic])
        try:
            messages = consumer.consume(count, 20)
        finally:
            consumer.close()
        found = []
        for message in messages:
            headers: Any = message.headers() or []
            found.append((message.value() or b"", {name: value.decode() for name, value in headers}))
        return found
