"""What was known of an account at an instant of the past: read from what only grows."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from contracts.events.payments import (
    ContractLineSet,
    DueSet,
    LineAmount,
    MissionAmount,
    YearSettled,
)
from services.messaging.database import Connection
from services.payments.domain.accounts import Account, AccountKey, Figure
from services.payments.domain.calendar import YearPart
from services.payments.domain.lines import line_of
from services.payments.domain.scale import RATES_SUBJECT, VARIABLE_PART, Rate
from services.payments.store.dues import Due

LAST_ESTIMATE = """
    select sequence, taille, variable_cents, lines, missions from estimate
    where cpts_id = $1 and starts_on = $2 and occurred_at <= $3
    order by sequence desc limit 1
"""
LINES = """
    select distinct on (coalesce(event ->> 'line_id', event ->> 'indicator')) event::text as event
    from history
    where subject = $1 and type = 'payments.ContractLineSet.v1' and recorded_at <= $2
    order by coalesce(event ->> 'line_id', event ->> 'indicator'), sequence desc
"""
SETTLED = """
    select event::text from history
    where subject = $1 and type = 'payments.YearSettled.v1' and recorded_at <= $2
"""
DUES = """
    select distinct on (event ->> 'due_id') sequence, event::text as event
    from history
    where subject = $1 and type = 'payments.DueSet.v1' and recorded_at <= $2
    order by event ->> 'due_id', sequence desc
"""
RATES = """
    select rate.* from rate
    join history on subject = $1 and history.sequence = rate.sequence
    where recorded_at <= $2 and part = $3
"""


async def load_account(connection: Connection, key: AccountKey, known_at: datetime) -> Account:
    """The account with the lines, the figures and the taille by which it was last priced then, and
    what it was settled at if it was by then.
    """
    cpts_id, starts_on = key
    account = Account(cpts_id=cpts_id, starts_on=starts_on, departement="")
    settled = await connection.fetchval(SETTLED, account.subject, known_at)
    if settled is not None:
        event = msgspec.json.decode(settled, type=YearSettled)
        account = msgspec.structs.replace(account, settled=event)
    estimate = await connection.fetchrow(LAST_ESTIMATE, cpts_id, starts_on, known_at)
    if estimate is None:
        return account
    said = await connection.fetch(LINES, account.subject, known_at)
    lines = [line_of(msgspec.json.decode(row["event"], type=ContractLineSet)) for row in said]
    amounts = msgspec.json.decode(estimate["lines"], type=list[LineAmount])
    missions = msgspec.json.decode(estimate["missions"], type=list[MissionAmount])
    return msgspec.structs.replace(
        account,
        sequence=estimate["sequence"],
        variable_cents=estimate["variable_cents"],
        is_contract_year=estimate["taille"] is not None,
        taille=estimate["taille"],
        lines=tuple(line for line in lines if line is not None),
        figures={
            one.indicator: Figure(value=one.value, revision=one.figure_revision, level=one.level)
            for one in amounts
            if one.value is not None
        },
        parts_run=_parts_run(missions),
    )


def _parts_run(missions: Iterable[MissionAmount]) -> dict[str, YearPart] | None:
    """The parts of the year that the envelopes followed then, None where they followed none."""
    found = {
        one.mission: YearPart(part=one.year_part, whole=one.year_whole)
        for one in missions
        if one.year_part is not None and one.year_whole is not None
    }
    return found or None


async def load_dues(connection: Connection, subject: str, known_at: datetime) -> list[Due]:
    """The sums of an account as they were last said then, by the day on which they are due."""
    rows = await connection.fetch(DUES, subject, known_at)
    said = [(row["sequence"], msgspec.json.decode(row["event"], type=DueSet)) for row in rows]
    dues = [_due(sequence, event) for sequence, event in said]
    return sorted(dues, key=lambda due: (due.due_on, due.due_id))


def _due(sequence: int, event: DueSet) -> Due:
    fields = msgspec.structs.asdict(event)
    return Due(sequence=sequence, starts_on=fields.pop("contract_year_starts_on"), **fields)


async def load_variable_rates(connection: Connection, known_at: datetime) -> list[Rate]:
    """The variable parts that were published by then."""
    rows = await connection.fetch(RATES, RATES_SUBJECT, known_at, VARIABLE_PART)
    return [Rate(**row) for row in rows]
