"""Declarations leave for the SAS platforms (INT_R03), beside the chain and after the commit.

Each platform has a task and connections of its own, so that one that is slow or away delays no
other. An attempt ends in a mark: delivered, refused with the platform's words, or due again later.
Cut off before its mark it is made again when its lease ends, by conditional `PUT`, which changes
nothing at a platform that has the appointment.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from uuid import UUID, uuid4

import httpx
import msgspec

from contracts.events.gateway import RegulatorIdentifier
from services.gateway.domain.declarations import (
    CREATE,
    OTHER_METHOD,
    UPDATE,
    Fate,
    Platform,
    body_of,
    fate_of,
    regulator_of,
)
from services.gateway.domain.naming import OUR_APPOINTMENTS
from services.gateway.domain.platform_words import words_of
from services.gateway.outside.tls import client_context
from services.gateway.store import declarations
from services.gateway.store.declarations import Answered, Taken
from services.messaging.database import is_not_now
from services.messaging.running import Running
from services.messaging.waiting import Backoff

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/fhir+json"
ANSWER_BYTES_MAX = 64 * 1024
RETRY_AFTER_SECONDS_MAX = 24 * 3600
NO_REGULATOR = "regulator_unknown"


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How declarations go to one platform; the defaults suit production.

    The lease is longer than an attempt can take: two requests, when it goes on by the other method.
    """

    at_once: int = 4
    answer_seconds_max: float = 6
    connect_seconds_max: float = 3
    lease_seconds: float = 30
    retry_seconds: float = 2
    retry_seconds_max: float = 900
    look_every_seconds: float = 0.5


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a request; `status` is None when there was no answer, `words` then say how."""

    status: int | None
    words: str | None
    has_reached: bool = True
    retry_after_seconds: float = 0


async def declare(platforms: Sequence[Platform], pace: Pace, run: Running) -> None:
    """Send what is due to every platform, for ever."""
    async with asyncio.TaskGroup() as group:
        for platform in platforms:
            group.create_task(_keep_declaring_to(platform, pace, run))


async def _keep_declaring_to(platform: Platform, pace: Pace, run: Running) -> None:
    """Begin again when it fails: a failure here concerns neither the chain nor other platforms."""
    backoff = Backoff(run.settings.limits.wait_seconds_max)
    while True:
        try:
            await _declare_to(platform, pace, run)
        except Exception:
            log.exception("declarations to %s wait", platform.name)
            await backoff.wait()


async def _declare_to(platform: Platform, pace: Pace, run: Running) -> None:
    """Send what is due to one platform, so many at once."""
    working: set[asyncio.Task[None]] = set()
    async with open_client(platform, pace) as client, asyncio.TaskGroup() as group:
        while True:
            room = pace.at_once - len(working)
            lease = uuid4()
            taken = await declarations.take(
                run.pool,
                platform.departements,
                room,
                lease=lease,
                lease_seconds=pace.lease_seconds,
            )
            for one in taken:
                task = group.create_task(_attempt(platform, pace, run, client, one, lease))
                working.add(task)
                task.add_done_callback(working.discard)
            if working:
                await asyncio.wait(
                    working,
                    timeout=pace.look_every_seconds if len(working) < pace.at_once else None,
                    return_when=asyncio.FIRST_COMPLETED,
                )
            else:
                await asyncio.sleep(pace.look_every_seconds)


def open_client(platform: Platform, pace: Pace) -> httpx.AsyncClient:
    """A client of a platform, with the certificates of both as they are now."""
    return httpx.AsyncClient(
        base_url=platform.base,
        verify=client_context(
            platform.authority_file, platform.certificate_file, platform.key_file
        ),
        trust_env=False,
        timeout=httpx.Timeout(pace.answer_seconds_max, connect=pace.connect_seconds_max),
        limits=httpx.Limits(max_connections=pace.at_once),
        headers={"Content-Type": MEDIA_TYPE, "Accept": MEDIA_TYPE},
    )


async def _attempt(
    platform: Platform,
    pace: Pace,
    run: Running,
    client: httpx.AsyncClient,
    taken: Taken,
    lease: UUID,
) -> None:
    """Send one declaration and mark what came of it. What fails here is due again by its lease."""
    try:
        regulator = regulator_of(taken.identifiers, platform.regulator_when_unknown)
        if regulator is None:
            answered = Answered(status=None, words=NO_REGULATOR, may_be_there=taken.may_be_there)
            await _settle(run, taken, lease, answered, Fate.REFUSED)
            return
        fate, said, may_be_there = await _send(pace, client, taken, regulator)
        answered = Answered(status=said.status, words=said.words, may_be_there=may_be_there)
        if fate is Fate.LATER:
            run.counters["declarations_postponed"] += 1
            doubled = pace.retry_seconds * 2 ** min(taken.attempts - 1, 30)
            await declarations.postpone(
                run.pool,
                taken.declaration_id,
                lease,
                answered,
                seconds=min(doubled, pace.retry_seconds_max),
                seconds_min=said.retry_after_seconds,
            )
        else:
            await _settle(run, taken, lease, answered, fate)
    except Exception as error:
        if not is_not_now(error):
            log.exception("declaration %s waits for its lease", taken.declaration_id)
        else:
            log.warning("declaration %s waits for its lease: %r", taken.declaration_id, error)


async def _settle(run: Running, taken: Taken, lease: UUID, answered: Answered, fate: Fate) -> None:
    is_delivered = fate is Fate.DELIVERED
    run.counters["declarations_delivered" if is_delivered else "declarations_refused"] += 1
    if not is_delivered:
        log.warning(
            "declaration %s refused: %s %s", taken.declaration_id, answered.status, answered.words
        )
    await declarations.settle(
        run.pool, taken.declaration_id, lease, answered, is_delivered=is_delivered
    )


async def _send(
    pace: Pace, client: httpx.AsyncClient, taken: Taken, regulator: RegulatorIdentifier
) -> tuple[Fate, _Said, bool]:
    """What came of it, the last answer, and whether the platform may have the appointment now.

    Created when it cannot be there, else updated by its identifier; a platform that has it, or has
    it not, is asked once by the other method.
    """
    content = msgspec.json.encode(body_of(taken.declared, regulator))
    appointment_id, may_be_there = taken.declared.appointment_id, taken.may_be_there
    method = UPDATE if may_be_there else CREATE
    said = await _ask(pace, client, method, appointment_id, content)
    fate = _fate(method, said)
    if fate is Fate.OTHERWISE and said.status is not None:
        first, method = method, OTHER_METHOD[method, said.status]
        may_be_there = first == CREATE
        said = await _ask(pace, client, method, appointment_id, content)
        fate = _fate(method, said)
        if fate is Fate.OTHERWISE:
            fate = Fate.REFUSED
    has_reached = said.has_reached and fate in (Fate.DELIVERED, Fate.LATER)
    return fate, said, may_be_there or has_reached


def _fate(method: str, said: _Said) -> Fate:
    return Fate.LATER if said.status is None else fate_of(method, said.status)


async def _ask(
    pace: Pace, client: httpx.AsyncClient, method: str, appointment_id: str, content: bytes
) -> _Said:
    """One request; its body is never logged, its answer is read up to a bound."""
    asked = {"identifier": f"{OUR_APPOINTMENTS}|{appointment_id}"} if method == UPDATE else None
    try:
        async with (
            asyncio.timeout(pace.answer_seconds_max),
            client.stream(method, "/Appointment", params=asked, content=content) as answer,
        ):
            body = b"" if answer.is_success else await _read(answer)
    except (httpx.ConnectError, httpx.ConnectTimeout):
        return _Said(status=None, words="unreachable", has_reached=False)
    except (TimeoutError, httpx.TimeoutException):
        return _Said(status=None, words="timeout")
    except httpx.HTTPError:
        return _Said(status=None, words="cut")
    status = answer.status_code
    return _Said(
        status=status,
        words=words_of(body),
        has_reached=status != httpx.codes.TOO_MANY_REQUESTS,
        retry_after_seconds=_retry_after(answer.headers.get("retry-after", "")),
    )


async def _read(answer: httpx.Response) -> bytes:
    """The body of an answer, nothing of it when it is too long to be an explanation."""
    found = b""
    async for part in answer.aiter_bytes():
        found += part
        if len(found) > ANSWER_BYTES_MAX:
            return b""
    return found


def _retry_after(said: str) -> float:
    """The seconds that a platform asks us to wait, a day at most; 0 when it asks nothing."""
    if said.isdecimal():
        seconds = float(said[:9])
    else:
        try:
            at = parsedate_to_datetime(said)
        except ValueError:
            return 0
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0), RETRY_AFTER_SECONDS_MAX)
