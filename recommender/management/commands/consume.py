"""manage.py consume"""

import argparse
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = """Store the events of Kafka's topics until the command is ended. Each counts at least once, and with an
    event_id exactly once: offsets are committed after the database has committed."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("topics", nargs="+", metavar="TOPIC", help="a topic with events as POST /events takes them")
        parser.add_argument("--group", default="movierec", help="the consumer group (movierec)")
        parser.add_argument("--dead-letters", default="", metavar="TOPIC", help="where messages go that are no events")
        parser.add_argument("--idle-seconds", type=float, metavar="N", help="end when no message has come for so long")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from confluent_kafka import KafkaException

            from recommender.management.kafka_consumer import DeadLetterError, KafkaConsumer
        except ModuleNotFoundError as error:
            if error.name != "confluent_kafka":
                raise
            raise CommandError("Kafka's client is not installed: pip install -r requirements-kafka.txt") from None
        if not settings.KAFKA_BROKERS:
            raise CommandError("Name Kafka's brokers: MOVIEREC_KAFKA_BROKERS=host:9092")
        if options["dead_letters"] in options["topics"]:
            raise CommandError("--dead-letters is one of the topics: its messages would come round for ever.")
        client = {**settings.KAFKA_OPTIONS, "bootstrap.servers": settings.KAFKA_BROKERS}
        stopping: list[int] = []
        before = {number: signal.signal(number, lambda got, _: stopping.append(got)) for number in _ENDINGS}
        try:
            consumer = KafkaConsumer(client, options["group"], options["topics"], options["dead_letters"])
            consumer.run(should_stop=lambda: bool(stopping), idle_seconds=options["idle_seconds"])
        except (KafkaException, DeadLetterError) as error:
            reason = error.args[0].str() if isinstance(error, KafkaException) else str(error)
            raise CommandError(f"Kafka: {reason}. What is not committed comes again.") from None
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        self.stdout.write(f"{consumer.progress}.")


_ENDINGS = (signal.SIGTERM, signal.SIGINT)
