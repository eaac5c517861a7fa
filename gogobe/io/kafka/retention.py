"""How long topics keep their messages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from gogobe.io.kafka.options import Kafka
from gogobe.io.kafka.topics import ADMIN_SECONDS, admin_of

RETENTION: Final = "retention.ms"
NO_LIMIT: Final = -1


def retention_ms(days: int) -> int:
    """The value of a topic's `retention.ms`; 0 days: without a limit."""
    return days * timedelta(days=1) // timedelta(milliseconds=1) if days else NO_LIMIT


def topic_config(days: int) -> dict[str, str]:
    """The configuration of a new topic that keeps messages for some days."""
    return {RETENTION: str(retention_ms(days))}


def set_retention(kafka: Kafka, topics: Iterable[str], days: int, *, dry_run: bool = False) -> list[str]:
    """Sets how long existing topics keep messages; returns the topics that had another value. Brokers remove
    whole segments whose newest message is older. Raises KafkaException, SecretError, KafkaOptionsError."""
    admin, present = admin_of(kafka)
    wanted = str(retention_ms(days))
    different = [topic for topic in topics if topic in present and _retention(admin, topic) != wanted]
    if different and not dry_run:
        change = ConfigEntry(RETENTION, wanted, incremental_operation=AlterConfigOpType.SET)
        resources = [
            ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[change]) for topic in different
        ]
        for done in admin.incremental_alter_configs(resources).values():
            done.result(ADMIN_SECONDS)
    return different


def _retention(admin: AdminClient, topic: str) -> str:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    found = admin.describe_configs([resource])[resource].result(ADMIN_SECONDS)
    if RETENTION not in found:
        raise KafkaException(f"{topic} has no {RETENTION}")
    return str(found[RETENTION].value)
