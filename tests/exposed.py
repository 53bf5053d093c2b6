"""What `/metrics` of each service can expose: every family, with every series."""

import importlib
from typing import Any

from aiokafka import TopicPartition

from contracts import topics
from contracts.departements import departements_by_code
from contracts.recorded import type_name
from contracts.topics import PARTITIONS_IN_PRODUCTION
from services.messaging import scraping
from services.messaging.declared import Service
from services.messaging.log import LogTopic
from services.messaging.meters import OTHER_TYPE, Fate, Leaving, Meters
from services.messaging.topic_ids import NO_ID

SERVICES = [
    importlib.import_module(f"services.{one.producer}.app").SERVICE for one in topics.TOPICS
]


class Idle:
    """A pool, as far as it is measured."""

    def get_size(self) -> int:
        return 1

    def get_idle_size(self) -> int:
        return 1


def loaded(service: Service) -> list[Any]:
    """All families of a service, with every series that its labels allow."""
    pool: Any = Idle()
    meters, codes = Meters(service.durations), [*departements_by_code(), "unknown"]
    understood = [type_name(one) for hears in service.hears for one in hears.understands]
    for code in codes:
        meters.fenced[code] = 1
        for fate in Fate:
            for type_ in (*understood, OTHER_TYPE):
                meters.events_in[code, type_, fate] = 1
        for how in Leaving:
            for type_ in service.topic.event_types():
                meters.events_out[code, type_, how] = 1
        for one in service.durations:
            meters._durations[one.name].labels(code).observe(1)
    heard = [
        LogTopic(
            name=hears.topic.name,
            kafka_name=hears.topic.name,
            id=NO_ID,
            partitions=PARTITIONS_IN_PRODUCTION,
        )
        for hears in service.hears
    ]
    every = {TopicPartition(topic.name, n): 0 for topic in heard for n in range(topic.partitions)}
    gauges = ["cpts_outbox_events", "cpts_outbox_age_seconds"]
    found = [
        *scraping.counted_families(meters),
        *meters.registry.collect(),
        *scraping.lag_families(heard, every, dict.fromkeys(every, 1), dict.fromkeys(every, 1.0)),
        scraping.read_family(heard, every),
        scraping.letters_family(
            [
                {"topic": topic.name, "key": code.encode(), "letters": 1}
                for topic in heard
                for code in codes
            ]
        ),
        scraping.invariant_family({"x": True}),
        scraping.pool_family({"work": pool, "questions": pool}),
    ]
    for name in [*gauges, *(one.name for one in service.gauges)]:
        family = scraping.by_departement(name, "x")
        for code in codes:
            family.add_metric([code], 1)
        found.append(family)
    return found
