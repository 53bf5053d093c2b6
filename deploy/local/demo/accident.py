"""Kills one service with SIGKILL inside an open transaction, and proves that it was one.

The process is stopped first: a transaction that is still open while its process cannot move is
open for certain. If it had just been committed, the process goes on and the hunt too.
"""

import os
import signal
import time
from threading import Event

import msgspec
import psycopg

from deploy.local.demo.chain import admin_url_of
from deploy.local.stack import Stack

HUNT_SECONDS = 45
LOOK_EVERY_SECONDS = 0.001
STANDS_STILL_SECONDS = 0.03
ROLL_BACK_SECONDS = 10

_OPEN = """
    select backend_xid::text::bigint as xid from pg_stat_activity
    where application_name = %s and datname = current_database() and backend_xid is not null
      and state in ('active', 'idle in transaction') and (%s or state = 'idle in transaction')
"""
_EPOCH = "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint >> 32 << 32"
_STATUS = "select pg_xact_status((%s)::text::xid8)"


class Accident(msgspec.Struct, frozen=True, kw_only=True):
    """What was killed, at which instant of the database's clock, and what was rolled back."""

    service: str
    transactions_rolled_back: int
    killed_at_epoch_seconds: float


def kill_in_transaction(stack: Stack, service: str, given_up: Event) -> Accident | None:
    """Wait for an open transaction of the service, then kill it; None if none was caught in time.

    Blocking: call it in a thread, and set `given_up` to end it early.
    """
    process = stack.process(service)
    if process is None:
        return None
    with psycopg.connect(admin_url_of(stack, service), autocommit=True) as connection:
        epoch = connection.execute(_EPOCH).fetchone()
        assert epoch is not None
        caught = _hunt(connection, process.pid, f"cpts-{service}", given_up)
        if not caught:
            return None
        now = connection.execute("select extract(epoch from clock_timestamp())").fetchone()
        assert now is not None
        stack.kill(service)
        rolled_back = sum(_is_rolled_back(connection, epoch[0] + xid) for xid in caught)
    return Accident(
        service=service,
        transactions_rolled_back=rolled_back,
        killed_at_epoch_seconds=float(now[0]),
    )


def _hunt(
    connection: "psycopg.Connection[tuple[int]]", pid: int, name: str, given_up: Event
) -> list[int]:
    """The transactions that are open while the process stands still; it stays stopped then."""
    limit = time.monotonic() + HUNT_SECONDS
    while time.monotonic() < limit and not given_up.is_set():
        if connection.execute(_OPEN, (name, True)).fetchone() is None:
            time.sleep(LOOK_EVERY_SECONDS)
            continue
        os.kill(pid, signal.SIGSTOP)
        time.sleep(STANDS_STILL_SECONDS)
        still_open = [row[0] for row in connection.execute(_OPEN, (name, False)).fetchall()]
        if still_open:
            return still_open
        os.kill(pid, signal.SIGCONT)
    return []


def _is_rolled_back(connection: "psycopg.Connection[tuple[int]]", xid: int) -> bool:
    limit = time.monotonic() + ROLL_BACK_SECONDS
    while time.monotonic() < limit:
        row: tuple[object, ...] | None = connection.execute(_STATUS, (xid,)).fetchone()
        if row is not None and row[0] == "aborted":
            return True
        time.sleep(LOOK_EVERY_SECONDS * 10)
    return False
