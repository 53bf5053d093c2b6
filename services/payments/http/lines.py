"""Orders on contract lines: what each can bring in a contract year, one by one or all of them."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, put
from litestar.params import FromQuery, JSONBody

from contracts.days import FIRST_YEAR, LAST_YEAR, is_possible
from contracts.events.payments import ContractLineSet, LineMode, Step
from contracts.indicators import indicators
from services.messaging.bodies import refuse_impossible_days
from services.messaging.orders import Answer, Order, carry_out, read_role
from services.messaging.problems import Refused, not_found
from services.payments import handlers
from services.payments.domain import lines
from services.payments.domain.accounts import Account, AccountKey, variable_rate
from services.payments.domain.line_rows import COLUMNS, Row, RowError, lines_of, rows_of
from services.payments.domain.lines import Line, LineRefused
from services.payments.domain.owners import OWNERS
from services.payments.domain.refusals import REFUSAL_TEXTS, Refusal
from services.payments.domain.scale import MISSIONS, Rate
from services.payments.http.asking import Cents, Code, Count, CptsId, Day, Name, PathId, refused
from services.payments.http.tables import Format, TableOperation, read_table, table_response
from services.payments.store import inputs

LINES_MAX = 500


class StepOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step of a line: from `threshold` on, it pays `amount_cents`."""

    threshold: Count
    amount_cents: Cents


class LineOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of an order that sets a contract line; amounts in cents.

    Without an `indicator` the line reads that of its own id; without `is_lower_better` values go
    the way that is the indicator's.
    """

    mission: Code
    mode: LineMode
    max_cents: Cents
    target: Count | None = None
    steps: Annotated[tuple[StepOrder, ...], msgspec.Meta(max_length=100)] = ()
    is_withdrawn: bool = False
    indicator: Code | None = None
    line_label: Name = ""
    baseline: Count | None = None
    is_lower_better: bool | None = None
    documents: Annotated[tuple[Code, ...], msgspec.Meta(max_length=20)] = ()
    carried_over_from_on: date | None = None

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class WrongLine(msgspec.Struct, frozen=True, kw_only=True):
    """What a whole file would be refused for; `line_id` is None where it is all of a mission."""

    mission: str
    line_id: str | None
    reason: str
    message: str


class LineAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A contract line as it is set, and what is wrong with the year's lines together."""

    cpts_id: str
    starts_on: date
    line: LineOrder
    wrong: Sequence[WrongLine]


class LinesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The lines of a contract year as they are set."""

    cpts_id: str
    starts_on: date
    lines: Sequence[Line]


@put("/cpts/{cpts_id:str}/contract-years/{starts_on:date}/lines/{line_id:str}", status_code=200)
async def set_line(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    starts_on: Day,
    line_id: PathId,
    data: JSONBody[LineOrder],
) -> Response[LineAnswer]:
    """Sets what one line can bring in one contract year, and prices the account again.

    The line is set although it may overlap another, or exceed its mission's envelope with the
    others until they are set too: `wrong` tells what a whole file would be refused for.
    """
    line = _line(line_id, data)

    async def body(order: Order) -> Answer:
        event = lines.set_line(
            line, cpts_id=cpts_id, starts_on=starts_on, is_withdrawn=data.is_withdrawn
        )
        departement = await _departement(order, cpts_id, starts_on)
        if isinstance(event, Refusal):
            raise refused(event)
        key = (cpts_id, starts_on)
        rates = await inputs.load_variable_rates(order.unit.connection)
        wrong: list[LineRefused] = []

        def decide(account: Account) -> list[ContractLineSet]:
            # The line of this order comes last: of two that overlap, it is the one to be told of.
            others = sorted(account.lines, key=lambda one: one.line_id)
            found = [one for one in others if one.line_id != line_id]
            found += [] if data.is_withdrawn else [line]
            wrong.extend(lines.check_lines(found, _envelopes(account, rates)))
            return [event]

        await _set(order, key, departement, decide)
        return Answer(
            body=LineAnswer(
                cpts_id=cpts_id,
                starts_on=starts_on,
                line=data,
                wrong=[_wrong_line(one) for one in wrong],
            )
        )

    return await carry_out(request, OWNERS["set_line"], body)


@put(
    "/cpts/{cpts_id:str}/contract-years/{starts_on:date}/lines",
    status_code=200,
    operation_class=TableOperation,
)
async def import_lines(
    request: Request[Any, Any, Any], cpts_id: CptsId, starts_on: Day
) -> Response[LinesAnswer]:
    """Replaces all the lines of a contract year by those of a file, CSV or XLSX, all or none.

    What is wrong is listed row by row, all at once; a line that is not in the file is withdrawn.
    """
    # Nobody else has a file read; a big one takes seconds, in which others are answered.
    read_role(request, OWNERS["import_lines"])
    rows, errors = await asyncio.to_thread(
        _read_lines, request.headers.get("Content-Type", ""), await request.body()
    )

    async def body(order: Order) -> Answer:
        departement = await _departement(order, cpts_id, starts_on)
        if errors:
            raise _wrong(errors)
        rates = await inputs.load_variable_rates(order.unit.connection)

        def decide(account: Account) -> list[ContractLineSet]:
            found = [row.line for row in rows]
            wrong = lines.check_lines(found, _envelopes(account, rates))
            if wrong:
                raise _wrong(_in_rows(wrong, rows))
            kept = {line.line_id for line in found}
            gone = [line for line in account.lines if line.line_id not in kept]
            return [lines.line_set(line, cpts_id, starts_on) for line in found] + [
                lines.line_set(line, cpts_id, starts_on, is_withdrawn=True) for line in gone
            ]

        key = (cpts_id, starts_on)
        await _set(order, key, departement, decide)
        return Answer(
            body=LinesAnswer(cpts_id=cpts_id, starts_on=starts_on, lines=[row.line for row in rows])
        )

    return await carry_out(request, OWNERS["import_lines"], body)


@get("/cpts/{cpts_id:str}/contract-years/{starts_on:date}/lines")
async def export_lines(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    starts_on: Day,
    file_format: FromQuery[Format] = "csv",
) -> Response[bytes]:
    """The lines of a contract year as a file that can be imported again, CSV or XLSX."""
    async with request.app.state.pool.acquire() as connection:
        if await inputs.departement_of_cpts(connection, cpts_id) is None:
            raise not_found("La CPTS", cpts_id)
        (account,) = await inputs.load_accounts(connection, {(cpts_id, starts_on): ""})
    ordered = sorted(account.lines, key=lambda line: (line.mission, line.line_id))
    return table_response(rows_of(ordered), COLUMNS, file_format, f"lignes-{cpts_id}-{starts_on}")


@get("/lines-template")
async def lines_template(file_format: FromQuery[Format] = "csv") -> Response[bytes]:
    """An empty file of contract lines, CSV or XLSX, with its columns."""
    return table_response([], COLUMNS, file_format, "modele-lignes")


def _read_lines(media_type: str, body: bytes) -> tuple[list[Row], list[RowError]]:
    return lines_of(read_table(media_type, body, COLUMNS), LINES_MAX)


def _line(line_id: str, data: LineOrder) -> Line:
    indicator = data.indicator or line_id
    known = indicators().get(indicator)
    direction = known.direction if known else "up"
    return Line(
        mission=data.mission,
        indicator=indicator,
        mode=data.mode,
        max_cents=data.max_cents,
        target=data.target,
        steps=tuple(Step(**msgspec.structs.asdict(step)) for step in data.steps),
        line_id=line_id,
        line_label=data.line_label,
        baseline=data.baseline,
        is_lower_better=(
            direction == "down" if data.is_lower_better is None else data.is_lower_better
        ),
        documents=data.documents,
        carried_over_from_on=data.carried_over_from_on,
    )


async def _set(
    order: Order,
    key: AccountKey,
    departement: str,
    decide: Callable[[Account], Sequence[ContractLineSet]],
) -> None:
    """Set the lines that `decide` makes; raises `Refused` when the year is settled."""
    refusal = await handlers.set_lines(order.unit, key, departement, decide, order.cause)
    if refusal is not None:
        raise refused(refusal)


async def _departement(order: Order, cpts_id: str, starts_on: date) -> str:
    """The key of the CPTS whose year is set; raises `Refused` for a day of no contract (400) and
    for an unknown CPTS (404).
    """
    if not is_possible(starts_on):
        detail = f"Une année de contrat commence entre {FIRST_YEAR} et {LAST_YEAR}."
        raise Refused("impossible_day", detail, status=400)
    departement = await inputs.departement_of_cpts(order.unit.connection, cpts_id)
    if departement is None:
        raise refused(Refusal.UNKNOWN_CPTS)
    return departement


def _envelopes(account: Account, rates: Sequence[Rate]) -> dict[str, int | None]:
    """The most that a year's lines of each mission may bring together, None where not known."""
    found = {mission: variable_rate(account, rates, mission) for mission in MISSIONS}
    return {mission: rate.amount_cents if rate else None for mission, rate in found.items()}


def _wrong_line(one: LineRefused) -> WrongLine:
    return WrongLine(
        mission=one.mission,
        line_id=one.line_id,
        reason=one.reason.value,
        message=REFUSAL_TEXTS[one.reason],
    )


def _in_rows(wrong: Sequence[LineRefused], rows: Sequence[Row]) -> list[RowError]:
    """Each error at the last row of its line, or of its mission."""
    return [
        RowError(
            row=max(
                row.number
                for row in rows
                if row.line.mission == one.mission and one.line_id in (None, row.line.line_id)
            ),
            column=None,
            detail=f"{one.line_id or one.mission} : {REFUSAL_TEXTS[one.reason]}",
        )
        for one in wrong
    ]


def _wrong(errors: Sequence[RowError]) -> Refused:
    reason = Refusal.LINES_REFUSED
    told = [
        {"field": one.column or "", "in": f"rangée {one.row}", "message": one.detail}
        for one in sorted(errors, key=lambda one: one.row)
    ]
    return Refused(reason.value, REFUSAL_TEXTS[reason], status=422, errors=told)


ROUTES = (set_line, import_lines, export_lines, lines_template)
