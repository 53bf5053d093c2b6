"""The commands that look at the log: topics, lag."""

from argparse import Namespace
from collections.abc import Mapping

import psycopg
from rich.console import Console
from rich.table import Table

from deploy.local.lifecycle import find_running
from deploy.local.services import SERVICES
from deploy.local.stack import Stack
from deploy.local.topics import TopicBounds, log_bounds


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


def lag(options: Namespace) -> int:
    """Show how far each service is behind the log, per topic, and per partition that is behind."""
    stack = find_running(options.instance)
    bounds = _own_bounds(stack)
    stored = stored_offsets(stack.database_urls)
    table = Table("service", "topic", "partition", "next", "end", "behind", box=None)
    for service in SERVICES:
        read_topics = sorted({topic for topic, _partition in stored[service]})
        for topic in read_topics:
            behind_in_all = 0
            for number, (first, end) in bounds.get(topic, {}).items():
                next_offset = stored[service].get((topic, number), first)
                behind_in_all += end - next_offset
                if options.partitions or end > next_offset:
                    row = (service, topic, number, next_offset, end, end - next_offset)
                    table.add_row(*map(str, row))
            table.add_row(service, topic, "all", "", "", str(behind_in_all), style="bold")
        if not read_topics:
            table.add_row(service, "(has read nothing yet)")
    Console().print(table)
    return 0
