"""What changes state at a door: one transaction, tried again after a collision, within a time.

A door's caller is a platform, known by its certificate: it says no role.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
from litestar import Request
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from contracts.recorded import Cause
from services.gateway.domain.faults import Fault
from services.gateway.domain.nesting import DEPTH_MAX, depth_of
from services.gateway.http.doors import BODY_BYTES_MAX
from services.gateway.http.outcomes import Told
from services.messaging.database import is_collision
from services.messaging.orders import TRIES, read_instant
from services.messaging.problems import NOT_READY
from services.messaging.telemetry import current_traceparent
from services.messaging.unit import Desk, Unit, open_unit

ANSWER_WITHIN_SECONDS = 4.0
"""Well before the platform's own limit, which is 7 s."""

T = TypeVar("T")


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """An order of a platform being carried out."""

    unit: Unit
    instant: datetime
    cause: Cause


def told(fault: Fault) -> Told:
    """The answer to a fault."""
    return Told(
        422 if fault.is_rule else 400,
        fault.reason,
        fault.text,
        code=fault.code,
        expression=(fault.expression,) if fault.expression else (),
    )


async def read_body(request: Request[Any, Any, Any]) -> bytes:
    """The body, in JSON; raises `Told` when it is declared XML, is too large or nested too deep."""
    if "xml" in request.headers.get("content-type", "").lower():
        raise Told(415, "format_not_supported", "Le seul format pris en charge est le JSON.")
    try:
        body = await request.body()  # no further than the door's limit
    except RequestEntityTooLarge:
        text = f"Le corps dépasse {BODY_BYTES_MAX} octets."
        raise Told(413, "body_too_large", text) from None
    if depth_of(body) > DEPTH_MAX:
        text = f"Le corps a plus de {DEPTH_MAX} niveaux imbriqués."
        raise Told(400, "body_too_deep", text, code="structure")
    return body


async def carry_out(request: Request[Any, Any, Any], work: Callable[[Given], Awaitable[T]]) -> T:
    """What the work answers, once committed. `Told` rolls back; TimeoutError when it takes long."""
    desk: Desk = request.app.state.desk
    if not desk.is_open:
        raise Told(503, "not_ready", NOT_READY)
    instant = read_instant(request)
    cause = Cause(id=f"order:{uuid4()}", recorded_at=instant, traceparent=current_traceparent())
    async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
        for attempt in range(1, TRIES + 1):
            try:
                async with open_unit(desk) as unit:
                    unit.count("orders")
                    return await work(Given(unit=unit, instant=instant, cause=cause))
            except Exception as error:
                if not is_collision(error) or attempt == TRIES:
                    raise
                desk.counters["order_retries"] += 1
    raise AssertionError("the last attempt returns or raises")
