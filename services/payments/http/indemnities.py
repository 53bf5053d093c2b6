"""Sums to members within the ceiling of their year, and the uses of funds by category."""

from datetime import date
from typing import Any

import msgspec
from litestar import Request, Response, get, put
from litestar.params import JSONBody

from contracts.events.payments import FundsUsed, IndemnityKind, IndemnityRecorded
from services.messaging.bodies import refuse_impossible_days
from services.messaging.orders import Answer, Order, carry_out
from services.messaging.pages import After, Limit, Page, page
from services.payments.domain.indemnities import (
    CATEGORIES,
    FUNCTIONS,
    INDEMNITIES_CATEGORY,
    PaidInYear,
    record_indemnity,
    use_funds,
)
from services.payments.domain.money_refusals import Refusal
from services.payments.domain.owners import OWNERS
from services.payments.http.asking import (
    Cents,
    Code,
    Count,
    CptsId,
    EntryId,
    PathRpps,
    Rpps,
    Year,
)
from services.payments.http.ordering import announce, departement_of, refused
from services.payments.store import tables, uses

JOIN_ENTRY = "use"
JOIN_CEILING = "pass"


class IndemnityOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a CPTS pays a professional; `function` is a code of the list, the amount in cents.

    It paid on `paid_on`, or, when it `is_paid_by_batch`, owes the sum from that day on until one of
    its batches pays it.
    """

    rpps: Rpps
    kind: IndemnityKind
    function: Code
    minutes: Count
    amount_cents: Cents
    paid_on: date
    is_withdrawn: bool = False
    is_paid_by_batch: bool = False

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class UseOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A use of funds; `category` is a code of the list, the amount in cents."""

    category: Code
    amount_cents: Cents
    used_on: date
    is_withdrawn: bool = False

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


@put("/cpts/{cpts_id:str}/indemnities/{indemnity_id:str}", status_code=200)
async def put_indemnity(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    indemnity_id: EntryId,
    data: JSONBody[IndemnityOrder],
) -> Response[IndemnityOrder]:
    """Records what a CPTS pays a professional, or corrects it, within the ceiling of the year.

    The join rows of the professional's years are held while the sums are read, so that of two
    orders that together exceed the ceiling, on any CPTS, the second is refused.
    """
    asked = IndemnityRecorded(
        cpts_id=cpts_id, indemnity_id=indemnity_id, **msgspec.structs.asdict(data)
    )

    async def body(order: Order) -> Answer:
        unit = order.unit
        departement = await departement_of(order, cpts_id)
        subject = f"{cpts_id}/indemnities/{indemnity_id}"
        await unit.lock_joins(JOIN_ENTRY, [subject])
        present = await uses.find_indemnity(unit.connection, cpts_id, indemnity_id)
        await unit.lock_joins(
            JOIN_CEILING, {f"{one.rpps}/{one.paid_on.year}" for one in (asked, present) if one}
        )
        year = asked.paid_on.year
        others_cents = await uses.paid_cents(
            unit.connection, asked.rpps, year, but=(cpts_id, indemnity_id)
        )
        paid = PaidInYear(ceiling=tables.ceilings().get(year), others_cents=others_cents)
        decision = record_indemnity(asked, present, paid)
        if isinstance(decision, Refusal):
            raise refused(decision.reason, decision.extension)
        if decision is not None:
            await announce(order, [decision], subject=subject, departement=departement)
        return Answer(body=data)

    return await carry_out(request, OWNERS["put_indemnity"], body)


@put("/cpts/{cpts_id:str}/uses/{use_id:str}", status_code=200)
async def put_use(
    request: Request[Any, Any, Any], cpts_id: CptsId, use_id: EntryId, data: JSONBody[UseOrder]
) -> Response[UseOrder]:
    """Declares a use of funds, or corrects it; nobody approves it."""
    asked = FundsUsed(cpts_id=cpts_id, use_id=use_id, **msgspec.structs.asdict(data))

    async def body(order: Order) -> Answer:
        departement = await departement_of(order, cpts_id)
        subject = f"{cpts_id}/uses/{use_id}"
        await order.unit.lock_joins(JOIN_ENTRY, [subject])
        decision = use_funds(asked, await uses.find_use(order.unit.connection, cpts_id, use_id))
        if isinstance(decision, Refusal):
            raise refused(decision.reason, decision.extension)
        if decision is not None:
            await announce(order, [decision], subject=subject, departement=departement)
        return Answer(body=data)

    return await carry_out(request, OWNERS["put_use"], body)


@get("/cpts/{cpts_id:str}/indemnities")
async def list_indemnities(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    after: After = "",
    limit: Limit = 100,
) -> Page:
    """What a CPTS pays its members, by id, withdrawn entries included."""
    async with request.app.state.pool.acquire() as connection:
        items = await uses.indemnities(connection, cpts_id, after=after, limit=limit)
    for item in items:
        item["libelle"] = FUNCTIONS[item["function"]]
    return page(items, limit, lambda last: str(last["indemnity_id"]))


@get("/cpts/{cpts_id:str}/uses")
async def list_uses(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    after: After = "",
    limit: Limit = 100,
) -> Page:
    """The declared uses of a CPTS, by id, withdrawn ones included."""
    async with request.app.state.pool.acquire() as connection:
        items = await uses.uses(connection, cpts_id, after=after, limit=limit)
    return page(items, limit, lambda last: str(last["use_id"]))


@get("/cpts/{cpts_id:str}/uses-by-category/{year:int}")
async def uses_by_category(
    request: Request[Any, Any, Any], cpts_id: CptsId, year: Year
) -> dict[str, Any]:
    """What a CPTS used in a civil year, by category, as the ledger has it; indemnities included."""
    async with request.app.state.pool.acquire() as connection:
        cents = await uses.used_by_category(connection, cpts_id, year)
    labels = {**CATEGORIES, INDEMNITIES_CATEGORY: "Indemnités et rémunérations des membres"}
    return {
        "year": year,
        "used_cents": sum(cents.values()),
        "categories": [
            {"category": category, "libelle": labels[category], "used_cents": used}
            for category, used in cents.items()
        ],
    }


@get("/professionals/{rpps:str}/ceilings/{year:int}")
async def ceiling(request: Request[Any, Any, Any], rpps: PathRpps, year: Year) -> dict[str, Any]:
    """What a professional receives in a civil year over all CPTS, the ceiling, and what remains."""
    known = tables.ceilings().get(year)
    async with request.app.state.pool.acquire() as connection:
        paid_cents = await uses.paid_cents(connection, rpps, year)
    return {
        "rpps": rpps,
        "paid_cents": paid_cents,
        "ceiling": known,
        "remaining_cents": None if known is None else max(known.amount_cents - paid_cents, 0),
    }


ROUTES = (put_indemnity, put_use, list_indemnities, list_uses, uses_by_category, ceiling)
