"""Agendas are read from the addresses of their calendars, each when it is due, beside the chain.

What is read becomes events as an imported file's slots do; what goes wrong is shown on the agenda,
and the slots of the last good reading stay.
"""

import asyncio
import hashlib
import logging
from datetime import datetime
from uuid import UUID, uuid4

import msgspec

from contracts.recorded import Cause, record
from services.gateway.domain.agendas import (
    Origin,
    Wanted,
    local_day,
    refuse_offer,
    refuse_spans,
    replaced,
)
from services.gateway.domain.files import READ_AHEAD, Unreadable, read_calendar
from services.gateway.domain.refusals import Refusal
from services.gateway.outside.fetching import Fetched, Fetcher, NotFetched, fetch
from services.gateway.store import agendas, feeds, slots
from services.gateway.store.feeds import TakenFeed
from services.messaging.database import is_not_now
from services.messaging.running import Running
from services.messaging.unit import open_unit
from services.messaging.waiting import Backoff

log = logging.getLogger(__name__)


class FeedPace(msgspec.Struct, frozen=True, kw_only=True):
    """How feeds are read; the lease is longer than a reading can take."""

    at_once: int = 4
    lease_seconds: float = 120
    look_every_seconds: float = 1


class _SlotsRefused(Exception):  # noqa: N818 - why, as a code
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


async def read_feeds(fetcher: Fetcher, pace: FeedPace, run: Running) -> None:
    """Read what is due, for ever."""
    backoff = Backoff(run.settings.limits.wait_seconds_max)
    while True:
        try:
            lease = uuid4()
            taken = []
            if run.desk.is_open:
                taken = await feeds.take(
                    run.pool, pace.at_once, lease=lease, lease_seconds=pace.lease_seconds
                )
            async with asyncio.TaskGroup() as group:
                for one in taken:
                    group.create_task(_attempt(fetcher, run, one, lease))
            backoff.succeeded()
            if not taken:
                await asyncio.sleep(pace.look_every_seconds)
        except Exception as error:
            if not is_not_now(error):
                raise
            log.warning("feeds wait: %r", error)
            await backoff.wait()


async def _attempt(fetcher: Fetcher, run: Running, taken: TakenFeed, lease: UUID) -> None:
    """Read one feed and mark what came of it; what fails here is due again by its lease."""
    try:
        fetched = await fetch(fetcher, taken.url, taken.etag, taken.last_modified)
        if fetched is None:
            await feeds.unchanged(run.pool, taken.agenda_id, lease)
        else:
            await _open(run, taken, lease, fetched)
        run.counters["feeds_read"] += 1
    except NotFetched as failure:
        await _fail(run, taken, lease, failure.problem, failure.status)
    except Unreadable:
        await _fail(run, taken, lease, Refusal.FILE_UNREADABLE)
    except _SlotsRefused as refused:
        await _fail(run, taken, lease, refused.refusal)
    except Exception as error:
        if is_not_now(error):
            log.warning("the feed of %s waits for its lease: %r", taken.agenda_id, error)
        else:
            log.exception("the feed of %s waits for its lease", taken.agenda_id)


async def _fail(
    run: Running, taken: TakenFeed, lease: UUID, problem: str, status: int | None = None
) -> None:
    run.counters["feeds_failed"] += 1
    log.warning("the feed of %s: %s %s", taken.agenda_id, problem, status or "")
    await feeds.failed(run.pool, taken, lease, problem, status)


async def _open(run: Running, taken: TakenFeed, lease: UUID, fetched: Fetched) -> None:
    """Make the slots of a feed what its calendar says from now on, in one transaction."""
    now = run.clock.now()
    wanted = await asyncio.to_thread(
        read_calendar,
        fetched.content,
        offer=taken.offer,
        minutes=taken.minutes,
        zone=taken.time_zone,
        after=now,
        until=now + READ_AHEAD,
    )
    async with open_unit(run.desk) as unit:
        agenda = await agendas.lock(unit.connection, taken.agenda_id)
        if agenda is None or agenda.is_closed:
            return
        validators = (fetched.etag, fetched.last_modified)
        if not await feeds.read(unit.connection, taken.agenda_id, lease, *validators):
            return
        day = local_day(now, agenda.time_zone)
        of_cpts = await agendas.cpts_ids_of(unit.connection, agenda.practitioner_rpps, day)
        refusal = _refusal(wanted, now, of_cpts)
        if refusal is not None:
            raise _SlotsRefused(refusal)
        known = await slots.open_from(unit.connection, agenda.agenda_id, now)
        events = replaced(agenda.agenda_id, Origin.FEED, wanted, known)
        await unit.announce(
            record(
                events,
                subject=agenda.agenda_id,
                after_sequence=agenda.sequence,
                departement=agenda.departement,
                occurred_at=now,
                cause=_cause(fetched, now, agenda.sequence),
            )
        )


def _refusal(wanted: Wanted, now: datetime, of_cpts: list[str]) -> Refusal | None:
    found = refuse_spans(wanted, now)
    offers = {offer for offer, _ in wanted}
    return found or next((one for offer in offers if (one := refuse_offer(offer, of_cpts))), None)


def _cause(fetched: Fetched, now: datetime, sequence: int) -> Cause:
    """The calendar itself, by its digest: the log holds neither its address nor its words."""
    digest = hashlib.sha256(fetched.content).hexdigest()[:32]
    return Cause(id=f"feed:{digest}:{sequence}", recorded_at=now)
