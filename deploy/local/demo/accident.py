"""Kills one service with SIGKILL inside an open transaction, and proves that it was one.

What the service is about to announce is held up: a transaction that has written and now waits for
this lock is open, and cannot end before the service is dead, however long the kill takes.
"""

import time
from threading import Event

import msgspec
import psycopg

from deploy.local.demo.chain import admin_url_of
from deploy.local.demo.platform import Platform

HUNT_SECONDS = 45
HELD_SECONDS = 0.5
LET_GO_SECONDS = 0.1
LOOK_EVERY_SECONDS = 0.001
ROLL_BACK_SECONDS = 20  # a server may notice late that a client without a network is gone

_HOLD = "lock table outbox in share mode"
_WAITING = """
    select backend_xid::text::bigint as xid from pg_stat_activity
    where application_name = %s and datname = current_database() and backend_xid is not null
      and %s = any (pg_blocking_pids(pid))
"""
_EPOCH = "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint >> 32 << 32"
_NOW = "select extract(epoch from clock_timestamp())::float8"
_STATUS = "select pg_xact_status((%s)::text::xid8)"

Connection = psycopg.Connection[tuple[int]]


class Accident(msgspec.Struct, frozen=True, kw_only=True):
    """What was killed, at which instant of the database's clock, and what was rolled back."""

    service: str
    transactions_rolled_back: int
    killed_at_epoch_seconds: float


def kill_in_transaction(stack: Platform, service: str, given_up: Event) -> Accident | None:
    """Wait for an open transaction of the service, then kill it; None if none was caught in time.

    Blocking: call it in a thread, and set `given_up` to end it early.
    """
    url = admin_url_of(stack, service)
    limit = time.monotonic() + HUNT_SECONDS
    with psycopg.connect(url, autocommit=True) as watching:
        while time.monotonic() < limit and not given_up.is_set():
            with psycopg.connect(url) as holding:
                holding.execute(_HOLD)
                waiting = (f"cpts-{service}", holding.info.backend_pid)
                if _somebody_waits(watching, waiting):
                    killed_at = float(_one(watching, _NOW))
                    stack.kill(service)
                    # Asked again: one whose patience ended before the service proves nothing.
                    still_open = watching.execute(_WAITING, waiting).fetchall()
                    epoch = int(_one(watching, _EPOCH))
                    holding.rollback()
                    return Accident(
                        service=service,
                        transactions_rolled_back=sum(
                            _is_rolled_back(watching, epoch + xid) for (xid,) in still_open
                        ),
                        killed_at_epoch_seconds=killed_at,
                    )
            time.sleep(LET_GO_SECONDS)
    return None


def _somebody_waits(watching: Connection, waiting: tuple[str, int]) -> bool:
    """Whether a transaction that has written soon waits for the connection that holds."""
    limit = time.monotonic() + HELD_SECONDS
    while time.monotonic() < limit:
        if watching.execute(_WAITING, waiting).fetchone() is not None:
            return True
        time.sleep(LOOK_EVERY_SECONDS)
    return False


def _one(connection: Connection, query: str) -> float:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def _is_rolled_back(connection: Connection, xid: int) -> bool:
    limit = time.monotonic() + ROLL_BACK_SECONDS
    while time.monotonic() < limit:
        row: tuple[object, ...] | None = connection.execute(_STATUS, (xid,)).fetchone()
        if row is not None and row[0] == "aborted":
            return True
        time.sleep(LOOK_EVERY_SECONDS * 10)
    return False
