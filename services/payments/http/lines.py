"""Orders on contract lines: what each indicator can bring in a contract year."""

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, put
from litestar.params import FromPath, JSONBody

from contracts.events.payments import LineMode, Step
from services.messaging.orders import Answer, Order, Role, carry_out
from services.payments import handlers
from services.payments.domain import lines
from services.payments.domain.lines import Line
from services.payments.domain.refusals import Refusal
from services.payments.http.asking import Cents, Code, Count, CptsId, Day, refused
from services.payments.store import inputs


class StepOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step of a line: from `threshold` on, it pays `amount_cents`."""

    threshold: Count
    amount_cents: Cents


class LineOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of an order that sets a contract line; amounts in cents."""

    mission: Code
    mode: LineMode
    max_cents: Cents
    target: Count | None = None
    steps: Annotated[tuple[StepOrder, ...], msgspec.Meta(max_length=100)] = ()
    is_withdrawn: bool = False


class LineAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A contract line as it is set."""

    cpts_id: str
    starts_on: date
    line: LineOrder


@put("/cpts/{cpts_id:str}/contract-years/{starts_on:date}/lines/{indicator:str}", status_code=200)
async def set_line(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    starts_on: Day,
    indicator: FromPath[str],
    data: JSONBody[LineOrder],
) -> Response[LineAnswer]:
    """Sets what one indicator can bring in one contract year, and prices the account again."""
    line = Line(
        mission=data.mission,
        indicator=indicator,
        mode=data.mode,
        max_cents=data.max_cents,
        target=data.target,
        steps=tuple(Step(**msgspec.structs.asdict(step)) for step in data.steps),
    )

    async def body(order: Order) -> Answer:
        unit = order.unit
        departement = await inputs.departement_of_cpts(unit.connection, cpts_id)
        if departement is None:
            raise refused(Refusal.UNKNOWN_CPTS)
        event = lines.set_line(
            line, cpts_id=cpts_id, starts_on=starts_on, is_withdrawn=data.is_withdrawn
        )
        if isinstance(event, Refusal):
            raise refused(event)
        refusal = await handlers.set_line(unit, event, departement, order.cause)
        if refusal is not None:
            raise refused(refusal)
        return Answer(body=LineAnswer(cpts_id=cpts_id, starts_on=starts_on, line=data))

    return await carry_out(request, {Role.CAISSE, Role.ARS, Role.SYSTEM}, body)


ROUTES = (set_line,)
