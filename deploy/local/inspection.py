"""The commands that look at the log: topics, lag."""

from argparse import Namespace
from collections.abc import Mapping

import psycopg
from rich.console import Console
from rich.table import Table

from contracts.departements import departements_by_code, partition_of
from deploy.local.lifecycle import find_running
from deploy.local.services import SERVICES
from deploy.local.stack import Stack
from deploy.local.topics import TopicBounds, log_bounds, readers

NOBODY = "nobody"


def stored_offsets(database_urls: Mapping[str, str]) -> dict[str, dict[tuple[str, int], int]]:
    """What each service will read next, per topic and partition, from its own database.

    A service that never started has no such table, and nothing here.
    """
    stored: dict[str, dict[tuple[str, int], int]] = {}
    for service, url in database_urls.items():
        with psycopg.connect(url) as connection:
            known = connection.execute("select to_regclass('stored_offset')").fetchone()
            rows = (
                connection.execute("select topic, partition, next_offset from stored_offset")
                if known and known[0]
                else ()
            )
            stored[service] = {(topic, partition): offset for topic, partition, offset in rows}
    return stored


def _own_bounds(stack: Stack) -> TopicBounds:
    """The bounds of this instance's topics, by their names in the contracts."""
    bounds = log_bounds(stack.kafka, stack.namespace)
    return {name.removeprefix(stack.namespace): parts for name, parts in bounds.items()}


def topics(options: Namespace) -> int:
    """List the topics with their partitions and records."""
    bounds = _own_bounds(find_running(options.instance))
    if not bounds:
        print("no topic yet: the services make theirs when they start")
    table = Table("topic", "partitions", "records", box=None)
    for name, partitions in bounds.items():
        records = sum(end - first for first, end in partitions.values())
        table.add_row(name, str(len(partitions)), str(records))
        if options.partitions:
            for number, (first, end) in partitions.items():
                table.add_row(f"  {number}", "", f"{end - first}  (offsets {first} to {end})")
    Console().print(table)
    return 0


def departements_in(number: int, partitions: int) -> list[str]:
    """The départements of a partition, of so many."""
    return [code for code in departements_by_code() if partition_of(code, partitions) == number]


def lag(options: Namespace) -> int:
    """Show how far each service is behind the log and who reads it: per topic, and per partition
    that is behind or that none of its processes reads.
    """
    stack = find_running(options.instance)
    bounds = _own_bounds(stack)
    stored = stored_offsets(stack.database_urls)
    read = readers(stack.kafka, [stack.namespace + service for service in SERVICES])
    unread: list[str] = []
    advice: list[str] = []
    table = Table("service", "topic", "partition", "next", "end", "behind", "read by", box=None)
    for service in SERVICES:
        read_here = read[stack.namespace + service]
        read_topics = sorted({topic for topic, _partition in stored[service]})
        for topic in read_topics:
            behind_in_all = 0
            for number, (first, end) in bounds.get(topic, {}).items():
                next_offset = stored[service].get((topic, number), first)
                behind_in_all += end - next_offset
                reader = read_here.get((stack.namespace + topic, number), NOBODY)
                is_left = reader == NOBODY and topic != service and bool(read_here)
                unread += departements_in(number, len(bounds[topic])) if is_left else ()
                if options.partitions or end > next_offset or is_left:
                    row = (service, topic, number, next_offset, end, end - next_offset)
                    table.add_row(*map(str, row), "" if topic == service else reader)
            names = {name for (of, _), name in read_here.items() if of == stack.namespace + topic}
            who = "" if topic == service else ", ".join(sorted(names)) or NOBODY
            table.add_row(service, topic, "all", "", "", str(behind_in_all), who, style="bold")
        if unread:
            codes = ",".join(dict.fromkeys(unread))
            advice.append(
                f"{service}: nobody reads {codes}; `just up --departements {service}=…/` (its last "
                "part empty) has a process for what no other names"
            )
            unread = []
        if not read_topics:
            table.add_row(service, "(has read nothing yet)")
    Console().print(table)
    for line in advice:
        print(line)
    return 0
