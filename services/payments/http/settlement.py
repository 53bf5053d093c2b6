"""Orders and questions on the dialogue de gestion of a contract year, and its settlement."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, get, post, put
from litestar.params import JSONBody

from contracts.events.payments import DialogueLineSet, YearAdjusted, YearSettled
from services.messaging.bodies import refuse_impossible_days
from services.messaging.database import Connection
from services.messaging.orders import Answer, Order, Role, carry_out
from services.messaging.problems import not_found
from services.payments import handlers
from services.payments.domain.accounts import Account
from services.payments.domain.levels import LevelSaid, Standing, standing_levels
from services.payments.domain.owners import OWNERS
from services.payments.domain.refusals import Refusal
from services.payments.domain.settlement import Dialogue
from services.payments.http.asking import (
    Cents,
    Count,
    CptsId,
    Day,
    Id,
    Obstacle,
    PathId,
    obstacle_of,
    refused,
)
from services.payments.store import inputs, levels, settlement

YEARS_MAX = 200
Stance = Literal["none", "agrees", "contests", "evidence_missing", "evidence_to_check"]


class DialogueLineOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where one indicator stands: the validated value, None while there is none, and the caisse.

    What the CPTS says of it is its own order, in indicators.
    """

    validated_value: Count | None = None
    caisse_stance: Stance = "none"


class OpeningOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The day on which CPTS, caisse and ARS began their dialogue, after the year's last day."""

    opened_on: date

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class SettlementOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The variable part that both sides agreed on: the validated values must give it."""

    variable_cents: Cents


class AgreedYear(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A contract year and the variable part that both sides agreed on."""

    cpts_id: Id
    starts_on: date
    variable_cents: Cents

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class SettlementsOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Contract years to settle, each named once."""

    years: Annotated[tuple[AgreedYear, ...], msgspec.Meta(min_length=1, max_length=YEARS_MAX)]

    def __post_init__(self) -> None:
        """Refuse a year that is named twice."""
        if len({(one.cpts_id, one.starts_on) for one in self.years}) < len(self.years):
            raise ValueError("une année de contrat est nommée deux fois")


class YearOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """Why a contract year was not settled; None: it is."""

    cpts_id: str
    starts_on: date
    obstacle: Obstacle | None


class SettlementsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of each contract year, in the order in which they were named."""

    years: tuple[YearOutcome, ...]


class DialogueAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A dialogue as it stands; `due_cents` is what was settled and adjusted, None before.

    `said` are the levels that indicators says, and what the dialogue itself said (`dialogue`), the
    last of each; `remarks` are all of them, with who said them, in the order in which they were.
    `standing` is the value of each indicator above the live one, its level and what the CPTS says
    of it; `validated` are those by which the year is settled or adjusted.
    """

    cpts_id: str
    contract_year_starts_on: date
    opened_on: date | None
    lines: tuple[DialogueLineSet, ...]
    said: tuple[LevelSaid, ...]
    remarks: Sequence[LevelSaid]
    standing: dict[str, Standing]
    validated: dict[str, int]
    settled: YearSettled | None
    adjusted: tuple[YearAdjusted, ...]
    due_cents: int | None


async def shown(
    connection: Connection, cpts_id: str, starts_on: date, dialogue: Dialogue
) -> DialogueAnswer:
    """A dialogue as people read it."""
    subject = Account(cpts_id=cpts_id, starts_on=starts_on, departement="").subject
    settled = dialogue.settled
    adjusted_cents = sum(one.amount_cents for one in dialogue.adjusted)
    return DialogueAnswer(
        cpts_id=cpts_id,
        contract_year_starts_on=starts_on,
        opened_on=dialogue.opened_on,
        lines=tuple(dialogue.lines.values()),
        said=dialogue.said,
        remarks=await levels.remarks_of(connection, cpts_id, starts_on, subject),
        standing=standing_levels(dialogue.said),
        validated=dialogue.values,
        settled=settled,
        adjusted=dialogue.adjusted,
        due_cents=None if settled is None else settled.variable_cents + adjusted_cents,
    )


async def decide(
    request: Request[Any, Any, Any],
    roles: Collection[Role],
    cpts_id: str,
    starts_on: date,
    decision: Callable[[Order], Awaitable[Dialogue | Refusal]],
) -> Response[Any]:
    """Carry out an order on a year and answer with its dialogue."""

    async def body(order: Order) -> Answer:
        if await inputs.departement_of_cpts(order.unit.connection, cpts_id) is None:
            raise refused(Refusal.UNKNOWN_CPTS)
        found = await decision(order)
        if isinstance(found, Refusal):
            raise refused(found)
        return Answer(body=await shown(order.unit.connection, cpts_id, starts_on, found))

    return await carry_out(request, roles, body)


@post("/cpts/{cpts_id:str}/contract-years/{starts_on:date}/dialogue", status_code=200)
async def open_dialogue(
    request: Request[Any, Any, Any], cpts_id: CptsId, starts_on: Day, data: JSONBody[OpeningOrder]
) -> Response[DialogueAnswer]:
    """Opens the dialogue de gestion of a contract year that is over."""
    return await decide(
        request,
        OWNERS["open_dialogue"],
        cpts_id,
        starts_on,
        lambda order: handlers.open_dialogue(
            order.unit, cpts_id, starts_on, data.opened_on, order.cause
        ),
    )


@put(
    "/cpts/{cpts_id:str}/contract-years/{starts_on:date}/dialogue/lines/{indicator:str}",
    status_code=200,
)
async def set_dialogue_line(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    starts_on: Day,
    indicator: PathId,
    data: JSONBody[DialogueLineOrder],
) -> Response[DialogueAnswer]:
    """Sets a validated value and where the caisse stands; after the settlement, adjusts it."""

    def asked(order: Order) -> DialogueLineSet:
        return DialogueLineSet(
            cpts_id=cpts_id,
            contract_year_starts_on=starts_on,
            indicator=indicator,
            validated_value=data.validated_value,
            caisse_stance=data.caisse_stance,
            by_role=order.role,
            said_by=order.person,
        )

    return await decide(
        request,
        OWNERS["set_dialogue_line"],
        cpts_id,
        starts_on,
        lambda order: handlers.set_dialogue_line(order.unit, asked(order), order.cause),
    )


@post("/cpts/{cpts_id:str}/contract-years/{starts_on:date}/settlement", status_code=200)
async def settle_year(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    starts_on: Day,
    data: JSONBody[SettlementOrder],
) -> Response[DialogueAnswer]:
    """Settles the variable part of a year by its validated values: it is due from today on."""
    return await decide(
        request,
        OWNERS["settle_year"],
        cpts_id,
        starts_on,
        lambda order: handlers.settle_year(
            order.unit, cpts_id, starts_on, data.variable_cents, order.cause
        ),
    )


@post("/settlements", status_code=200)
async def settle_years(
    request: Request[Any, Any, Any], data: JSONBody[SettlementsOrder]
) -> Response[SettlementsAnswer]:
    """Settles many contract years in one order: each that can be is, the others say why not."""

    async def body(order: Order) -> Answer:
        agreed = {(one.cpts_id, one.starts_on): one.variable_cents for one in data.years}
        refusals = await handlers.settle_years(order.unit, agreed, order.cause)
        return Answer(
            body=SettlementsAnswer(
                years=tuple(
                    YearOutcome(
                        cpts_id=cpts_id,
                        starts_on=starts_on,
                        obstacle=obstacle_of(refusals[cpts_id, starts_on]),
                    )
                    for cpts_id, starts_on in agreed
                )
            )
        )

    return await carry_out(request, OWNERS["settle_years"], body)


@get("/cpts/{cpts_id:str}/contract-years/{starts_on:date}/dialogue")
async def dialogue(
    request: Request[Any, Any, Any], cpts_id: CptsId, starts_on: Day
) -> DialogueAnswer:
    """A year's dialogue: each line with all that both sides said of it, the settlement with all it
    rests on, the adjustments.
    """
    async with (
        request.app.state.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        found = await settlement.dialogue_of(connection, cpts_id, starts_on)
        if found.ends_on is None and found.opened_on is None:
            raise not_found("L'année de contrat", f"{cpts_id}/{starts_on.isoformat()}")
        return await shown(connection, cpts_id, starts_on, found)


ROUTES = (open_dialogue, set_dialogue_line, settle_year, settle_years, dialogue)
