"""Values that a CPTS declares, and files of the caisse: taken whole or not at all."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Response, post, put
from litestar.params import FromPath, JSONBody

from contracts.departements import NATIONAL
from contracts.events.indicators import CaisseFileTaken, ValueRecorded
from services.indicators.domain.days import local_day
from services.indicators.domain.declared import Why
from services.indicators.domain.figures import ContractYear
from services.indicators.domain.owners import OWNERS
from services.indicators.domain.refusals import REFUSAL_TEXTS, Refusal
from services.indicators.domain.rule import CountingRule
from services.indicators.domain.values import (
    Asked,
    indicator_in,
    record_value,
    value_subject,
    year_of,
)
from services.indicators.handlers.recording import Said, announce, declare, lock_cpts
from services.indicators.http.asking import (
    Count,
    Evidence,
    HttpRequest,
    Id,
    PathId,
    Word,
    refused,
    unless_refused,
)
from services.indicators.http.ordering import locked_departement, order_of, recorded
from services.indicators.store import attributions, declarations, entries, membership_facts
from services.messaging.orders import Answer, Order, carry_out

JOIN_FILE = "caisse_file"
Finess = Annotated[str, msgspec.Meta(pattern=r"^1(2[AB]|[0-9]{2})[0-9]{7}$(?!\n)")]
Rows = Annotated[tuple[Any, ...], msgspec.Meta(min_length=1, max_length=5000)]


class DeclarationOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The value that a CPTS declares; `true_on` is the day on which it was so, `reason` why it is
    corrected or withdrawn.
    """

    value: Count
    true_on: date | None = None
    evidence_ids: Evidence = ()
    is_withdrawn: bool = False
    reason: Why | None = None


class DeclarationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A value as it is declared; `missing` are the pieces of evidence that name no file."""

    cpts_id: str
    contract_year_starts_on: date
    indicator: str
    declaration: DeclarationOrder
    missing: Sequence[str]


class FileRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of a file: the CPTS by its id or its FINESS, and one value."""

    contract_year_starts_on: date
    indicator: Word
    value: Count
    cpts_id: Id | None = None
    finess: Finess | None = None
    true_on: date | None = None
    is_withdrawn: bool = False


class FileOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of the caisse. `rows` are objects with `cpts_id` or `finess`,
    `contract_year_starts_on`, `indicator`, `value`, and if need be `true_on` and `is_withdrawn`.
    """

    rows: Rows


class FileAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a file: `is_new` is false when the same bytes were taken before."""

    file_sha256: str
    is_new: bool
    rows_count: int
    changed_count: int


class WrongRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row that cannot be taken; `row` counts from 1, `columns` are those of the wrong form."""

    row: int
    reason: str
    detail: str
    columns: tuple[str, ...] = ()


class Malformed(msgspec.Struct, frozen=True):
    """A row that has not the form of one, and the columns to blame where they are known."""

    columns: tuple[str, ...]


Key = tuple[str, str, date]
"""A value's: CPTS, indicator, first day of the contract year."""


def _decide(
    asked: Asked,
    years: Sequence[ContractYear],
    starts_on: date,
    present: ValueRecorded | None,
    *,
    today: date,
    of_caisse: bool,
) -> ValueRecorded | Refusal | None:
    indicator = indicator_in(asked.indicator, "caisse" if of_caisse else "declared")
    if isinstance(indicator, Refusal):
        return indicator
    year = year_of(years, starts_on)
    if isinstance(year, Refusal):
        return year
    return record_value(asked, year=year, indicator=indicator, present=present, today=today)


async def _take_file(rule: CountingRule, order: Order, rows: Rows, sha256: str) -> FileAnswer:
    """Takes all rows of a file, or raises `Refused` with every row that is wrong."""
    connection = order.unit.connection
    subject = f"caisse-files/{sha256}"
    await order.unit.lock_joins(JOIN_FILE, [sha256])
    if await entries.last_sequences(connection, [subject]):
        return FileAnswer(file_sha256=sha256, is_new=False, rows_count=len(rows), changed_count=0)
    read = [_read(row) for row in rows]
    finess = {row.finess for row in read if isinstance(row, FileRow) and row.finess}
    by_finess = await attributions.cpts_by_finess(connection, finess)
    named = [_named(row, by_finess) for row in read]
    departements = await lock_cpts(order.unit, {one for one in named if isinstance(one, str)})
    events = await _events(order, read, named, departements, sha256)
    said = [
        Said(
            subject=value_subject(event.cpts_id, event.indicator, event.contract_year_starts_on),
            departement=departements[event.cpts_id],
            event=event,
        )
        for event in events
    ]
    taken = CaisseFileTaken(file_sha256=sha256, rows_count=len(rows))
    file = Said(subject=subject, departement=NATIONAL, event=taken)
    await announce(order.unit, [file], order.cause)
    await declare(rule, order.unit, said, {event.cpts_id for event in events}, order.cause)
    return FileAnswer(
        file_sha256=sha256, is_new=True, rows_count=len(rows), changed_count=len(events)
    )


def _read(row: Any) -> FileRow | Malformed:
    try:
        return msgspec.convert(row, FileRow)
    except msgspec.ValidationError:
        return Malformed(_columns_of_wrong_form(row))


def _columns_of_wrong_form(row: Any) -> tuple[str, ...]:
    """The columns of a row that are absent or have not their form; never what they hold."""
    if not isinstance(row, dict):
        return ()
    return tuple(
        field.name
        for field in msgspec.structs.fields(FileRow)
        if (field.required if field.name not in row else not _has_form(row[field.name], field.type))
    )


def _has_form(cell: Any, form: Any) -> bool:
    try:
        msgspec.convert(cell, form)
    except msgspec.ValidationError:
        return False
    return True


def _named(row: FileRow | Malformed, by_finess: Mapping[str, str]) -> str | Refusal:
    """The CPTS that a row names, known or not."""
    if isinstance(row, Malformed):
        return Refusal.MALFORMED_ROW
    if (row.cpts_id is None) == (row.finess is None):
        return Refusal.CPTS_OR_FINESS_NEEDED
    return row.cpts_id or by_finess.get(row.finess or "", Refusal.UNKNOWN_CPTS)


async def _events(
    order: Order,
    read: Sequence[FileRow | Malformed],
    named: Sequence[str | Refusal],
    departements: Mapping[str, str],
    sha256: str,
) -> list[ValueRecorded]:
    """The events of a file's rows. Raises `Refused` with every row that is wrong."""
    connection = order.unit.connection
    years = await membership_facts.contract_years(connection, list(departements))
    keys: list[Key | Refusal] = [
        (whose, row.indicator, row.contract_year_starts_on)
        if isinstance(row, FileRow) and not isinstance(whose, Refusal) and whose in departements
        else (whose if isinstance(whose, Refusal) else Refusal.UNKNOWN_CPTS)
        for row, whose in zip(read, named, strict=True)
    ]
    subjects = {value_subject(*key) for key in keys if not isinstance(key, Refusal)}
    present = await entries.present(connection, ValueRecorded, subjects)
    events: list[ValueRecorded] = []
    wrong: list[WrongRow] = []
    seen: set[Key] = set()
    for number, (row, key) in enumerate(zip(read, keys, strict=True), start=1):
        decision: ValueRecorded | Refusal | None = Refusal.MALFORMED_ROW
        if isinstance(key, Refusal):
            decision = key
        elif key in seen:
            decision = Refusal.SAID_TWICE
        elif isinstance(row, FileRow):
            seen.add(key)
            decision = _decide(
                Asked(
                    indicator=row.indicator,
                    value=row.value,
                    true_on=row.true_on,
                    file_sha256=sha256,
                    is_withdrawn=row.is_withdrawn,
                    said_by=order.person,
                ),
                years.get(key[0], ()),
                row.contract_year_starts_on,
                present.get(value_subject(*key)),
                today=local_day(order.instant),
                of_caisse=True,
            )
        if isinstance(decision, Refusal):
            columns = row.columns if isinstance(row, Malformed) else ()
            wrong.append(WrongRow(number, decision.value, REFUSAL_TEXTS[decision], columns))
        elif decision is not None:
            events.append(decision)
    if wrong:
        raise refused(Refusal.ROWS_REFUSED, rows=msgspec.to_builtins(wrong))
    return events


def make_routes(rule: CountingRule) -> tuple[Any, ...]:
    """The routes, which count by the rule."""

    @put(
        "/cpts/{cpts_id:str}/contract-years/{starts_on:date}/declarations/{indicator:str}",
        responses=recorded(DeclarationAnswer),
    )
    async def put_declaration(
        request: HttpRequest,
        cpts_id: PathId,
        starts_on: FromPath[date],
        indicator: FromPath[str],
        data: JSONBody[DeclarationOrder],
    ) -> Response[DeclarationAnswer]:
        """Declares the value of an indicator in a contract year, or another value of it."""

        async def body(order: Order) -> Answer:
            departement = await locked_departement(order, cpts_id)
            connection = order.unit.connection
            years = await membership_facts.contract_years(connection, [cpts_id])
            subject = value_subject(cpts_id, indicator, starts_on)
            found = await entries.present(connection, ValueRecorded, [subject])
            present = found.get(subject)
            asked = Asked(
                indicator=indicator,
                value=data.value,
                true_on=data.true_on,
                evidence_ids=tuple(sorted(set(data.evidence_ids))),
                is_withdrawn=data.is_withdrawn,
                said_by=order.person,
                reason=data.reason,
            )
            event = unless_refused(
                _decide(
                    asked,
                    years.get(cpts_id, ()),
                    starts_on,
                    present,
                    today=local_day(order.instant),
                    of_caisse=False,
                )
            )
            if event is not None:
                said = Said(subject=subject, departement=departement, event=event)
                await declare(rule, order.unit, [said], [cpts_id], order.cause)
            stands = event or present
            assert stands is not None, "what says nothing new was recorded before"
            missing = await declarations.missing_evidence(connection, cpts_id, stands.evidence_ids)
            return Answer(body=_shown(stands, missing), status=201 if present is None else 200)

        return await carry_out(request, OWNERS["put_declaration"], body)

    @post("/caisse-files", responses=recorded(FileAnswer), status_code=200)
    async def take_file(request: HttpRequest, data: JSONBody[FileOrder]) -> Response[FileAnswer]:
        """Takes the values of a file of the caisse, all or none; its bytes say which file it is."""
        sha256 = hashlib.sha256(await request.body()).hexdigest()

        async def body(order: Order) -> Answer:
            taken = await _take_file(rule, order, data.rows, sha256)
            return Answer(body=taken, status=201 if taken.is_new else 200)

        return await carry_out(request, OWNERS["take_file"], body)

    return (put_declaration, take_file)


def _shown(event: ValueRecorded, missing: Sequence[str]) -> DeclarationAnswer:
    return DeclarationAnswer(
        cpts_id=event.cpts_id,
        contract_year_starts_on=event.contract_year_starts_on,
        indicator=event.indicator,
        declaration=order_of(event, DeclarationOrder),
        missing=missing,
    )
