"""What a contract year would be worth, whole, with other inputs; nothing is kept."""

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, post
from litestar.params import JSONBody

from services.messaging.bodies import refuse_impossible_days
from services.messaging.database import Connection
from services.messaging.orders import Answer, Order, carry_out
from services.payments.domain.dues import DueSum
from services.payments.domain.dues_rules import CalendarRule, DuesRules
from services.payments.domain.owners import OWNERS
from services.payments.domain.refusals import Refusal
from services.payments.domain.simulation import (
    DOCTORS,
    VARIABLE,
    Known,
    Supposed,
    YearWorth,
    suppose,
    worth,
)
from services.payments.domain.statement import KINDS, due_label
from services.payments.http.asking import (
    Cents,
    Code,
    Count,
    CptsId,
    Day,
    Rpps,
    refused,
    year_of,
)
from services.payments.http.funding import shown_line, shown_mission
from services.payments.store import answers, dues_inputs, inputs
from services.payments.store.dues_rules import load_dues_rules

VALUES_MAX = 500  # as many as a contract year has lines
RATES_MAX = 50
MISSIONS_MAX = 20
STRETCHES_MAX = 20
MEMBERS_MAX = 1000
Taille = Annotated[int, msgspec.Meta(ge=1, le=4)]
Rppses = Annotated[tuple[Rpps, ...], msgspec.Meta(max_length=MEMBERS_MAX)]


class StretchOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days on which a mission would run; without a last one, to the end of the ACI."""

    started_on: date
    ended_on: date | None = None

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class SupposedRateOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An amount of the scale, in cents for a whole year, of the year's taille."""

    mission: Code
    part: Code
    amount_cents: Cents


class MembersOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Doctors who would be members and take part in the SAS in the year, or would not."""

    joining: Rppses = ()
    leaving: Rppses = ()


class SimulationOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to suppose instead of what is. Nothing of a field that is left out changes.

    `starts_on` is another first day of this year (all anniversaries of the ACI move with it),
    `ends_on` a last day of the ACI in this year, `signed_on` its signature. `missions` gives all
    days of each kind of mission that it names, none in an empty list. `values` are by indicator.
    """

    taille: Taille | None = None
    signed_on: date | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    missions: Annotated[
        dict[Code, Annotated[tuple[StretchOrder, ...], msgspec.Meta(max_length=STRETCHES_MAX)]],
        msgspec.Meta(max_length=MISSIONS_MAX),
    ] = {}
    values: Annotated[dict[str, Count], msgspec.Meta(max_length=VALUES_MAX)] = {}
    rates: Annotated[tuple[SupposedRateOrder, ...], msgspec.Meta(max_length=RATES_MAX)] = ()
    members: MembersOrder | None = None

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class SimulatedDue(msgspec.Struct, frozen=True, kw_only=True):
    """A sum that falls due on a day, with its arithmetic; held while nobody answers for its rate.

    `is_verified` says whether the text of every rate that it rests on was read.
    """

    due_id: str
    kind: str
    libelle: str
    mission: str | None
    amount_cents: int
    due_on: date
    is_held: bool
    is_verified: bool
    rate_ids: tuple[str, ...]
    explanation: str


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """What the sums of one kind add up to."""

    kind: str
    libelle: str
    amount_cents: int


class SimulatedYear(msgspec.Struct, frozen=True, kw_only=True):
    """A contract year whole: what falls due and when, the variable part down to its lines.

    `ends_on`, `signed_on` and `calendar` (the rule by which time and advances count) are None where
    no ACI has the year. `unverified_cents` of the total rest on a rate whose text nobody read.
    """

    starts_on: date
    ends_on: date | None
    signed_on: date | None
    taille: int | None
    is_settled: bool
    calendar: CalendarRule | None
    dues: tuple[SimulatedDue, ...]
    variable_cents: int
    missions: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    totals: tuple[Total, ...]
    total_cents: int
    unverified_cents: int


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """What the year is worth, what it would be, and the difference of the totals in cents."""

    present: SimulatedYear
    supposed: SimulatedYear
    difference_cents: int


@post("/cpts/{cpts_id:str}/contract-years/{starts_on:date}/simulation", status_code=200)
async def simulation(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    starts_on: Day,
    data: JSONBody[SimulationOrder],
) -> Response[Simulation]:
    """What the whole year would be worth with other inputs, by the same computation; nothing is
    kept. A settled year is simulated as if it were not settled.
    """
    asked = msgspec.convert(data, Supposed, from_attributes=True)

    async def body(order: Order) -> Answer:
        order.refuse_another_cpts(cpts_id)
        await year_of(order.unit.connection, cpts_id, starts_on)
        known, rules = await _known(order.unit.connection, cpts_id, starts_on), load_dues_rules()
        otherwise = suppose(known, asked, rules)
        if isinstance(otherwise, Refusal):
            raise refused(otherwise)
        present, supposed = _shown(known, rules), _shown(otherwise, rules)
        return Answer(
            body=Simulation(
                present=present,
                supposed=supposed,
                difference_cents=supposed.total_cents - present.total_cents,
            )
        )

    return await carry_out(request, OWNERS["simulation"], body)


async def _known(connection: Connection, cpts_id: str, starts_on: date) -> Known:
    """All that the year rests on now."""
    (account,) = await inputs.load_accounts(connection, {(cpts_id, starts_on): ""})
    (funded,) = await dues_inputs.load_funded(connection, [cpts_id])
    figure = account.figures.get(DOCTORS)
    doctors = await answers.counted_facts(
        connection, cpts_id, starts_on, DOCTORS, revision=figure.revision if figure else 0
    )
    rates = tuple(await dues_inputs.load_rates_of_dues(connection))
    return Known(account=account, funded=funded, rates=rates, doctors=doctors)


def _shown(known: Known, rules: DuesRules) -> SimulatedYear:
    found = worth(known, rules)
    account, year, estimate = known.account, found.year, found.estimate
    verified = {rate.rate_id for rate in known.rates if rate.is_verified}
    return SimulatedYear(
        starts_on=account.starts_on,
        ends_on=year.ends_on if year else None,
        signed_on=year.signed_on if year else None,
        taille=account.taille,
        is_settled=account.settled is not None,
        calendar=rules.calendar_on(account.starts_on) if year else None,
        dues=tuple(
            SimulatedDue(
                libelle=due_label(due.kind, due.mission),
                is_verified=verified.issuperset(due.rate_ids),
                **{name: getattr(due, name) for name in _OF_DUE},
            )
            for due in found.dues
        ),
        variable_cents=estimate.variable_cents,
        missions=[shown_mission(account, known.rates, one) for one in estimate.missions],
        lines=[shown_line(account, known.rates, one) for one in estimate.lines],
        totals=_totals(found),
        total_cents=found.total_cents,
        unverified_cents=found.unverified_cents,
    )


_OF_DUE = [name for name in SimulatedDue.__struct_fields__ if name in DueSum.__struct_fields__]


def _totals(found: YearWorth) -> tuple[Total, ...]:
    """The year by kind of sum, in the order of their days, the variable part last."""
    cents: dict[str, int] = {}
    for due in found.dues:
        if due.kind != VARIABLE:
            cents[due.kind] = cents.get(due.kind, 0) + due.amount_cents
    cents[VARIABLE] = found.estimate.variable_cents
    return tuple(
        Total(kind=kind, libelle=KINDS[kind], amount_cents=amount) for kind, amount in cents.items()
    )


ROUTES = (simulation,)
