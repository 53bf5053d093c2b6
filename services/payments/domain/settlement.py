"""The dialogue de gestion of a contract year, its settlement, and adjustments after it.

A settlement takes validated values only, of the dialogue or of indicators, whichever spoke last.
What is corrected later is priced by the settled lines and envelopes, less all that was settled and
adjusted: the order of corrections does not matter.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import msgspec

from contracts.events.payments import (
    DialogueLineSet,
    DialogueOpened,
    SettledRate,
    SettledTerms,
    YearAdjusted,
    YearSettled,
)
from services.payments.domain.accounts import (
    EXPENSE_ACCOUNT,
    Account,
    Figure,
    envelopes_of,
    estimate_of,
    line_amount,
    price,
    variable_rate,
)
from services.payments.domain.levels import (
    AGREED,
    DISAGREED,
    SILENT,
    STANCE,
    VISA,
    LevelSaid,
    answer_of,
    validated_values,
)
from services.payments.domain.lines import Line
from services.payments.domain.refusals import Refusal
from services.payments.domain.scale import Rate

CPTS_STANCES = {AGREED: "agrees", DISAGREED: "contests", SILENT: "none"}


class Dialogue(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a year's dialogue: the year's last day, and all that was said.

    `lines` are what the dialogue itself said; `said` has its values and the levels of indicators.
    """

    ends_on: date | None
    opened_on: date | None = None
    lines: Mapping[str, DialogueLineSet] = {}
    said: tuple[LevelSaid, ...] = ()
    settled: YearSettled | None = None
    adjusted: tuple[YearAdjusted, ...] = ()

    @property
    def values(self) -> dict[str, int]:
        """The validated value of each indicator that has one."""
        return validated_values(self.said)


def open_dialogue(
    account: Account, dialogue: Dialogue, opened_on: date, today: date
) -> DialogueOpened | Refusal | None:
    """The event that opens a dialogue; None when it is open; or why it is refused."""
    if dialogue.ends_on is None:
        return Refusal.UNKNOWN_CONTRACT_YEAR
    if dialogue.opened_on is not None:
        return None
    if opened_on <= dialogue.ends_on:
        return Refusal.YEAR_NOT_OVER
    if opened_on > today:
        return Refusal.OPENED_IN_THE_FUTURE
    return DialogueOpened(
        cpts_id=account.cpts_id, contract_year_starts_on=account.starts_on, opened_on=opened_on
    )


def set_dialogue_line(
    account: Account, dialogue: Dialogue, asked: DialogueLineSet
) -> DialogueLineSet | Refusal:
    """The event that sets a line of a dialogue, with what the CPTS itself says of its value, or the
    refusal.

    To say the same again is news: it may be later than what is still to be heard of indicators.
    Once the year is settled, the lines are those that were settled, and each keeps a value.
    """
    if dialogue.opened_on is None:
        return Refusal.DIALOGUE_NOT_OPEN
    settled = dialogue.settled
    known = {line.indicator for line in (settled.terms if settled else account.lines)}
    if asked.indicator not in known:
        return Refusal.UNKNOWN_LINE
    if settled is not None and asked.validated_value is None:
        return Refusal.VALUE_NEEDED
    stances = {one.indicator: one for one in dialogue.said if one.level == STANCE}
    answer = answer_of(stances.get(asked.indicator), asked.validated_value)
    return msgspec.structs.replace(asked, cpts_stance=CPTS_STANCES[answer])


def obstacle(account: Account, opened_on: date | None, rates: Sequence[Rate]) -> Refusal | None:
    """What keeps a year from being settled by its validated values, whatever their sum; or None.

    `opened_on` is the day on which its dialogue began, None before.
    """
    if opened_on is None:
        return Refusal.DIALOGUE_NOT_OPEN
    if account.settled is not None:
        return Refusal.ALREADY_SETTLED
    validated = account.validated
    if any(line.indicator not in validated for line in account.lines):
        return Refusal.VALUES_MISSING
    return Refusal.RATE_UNKNOWN if None in envelopes_of(account, rates).values() else None


def settle(
    account: Account, opened_on: date | None, rates: Sequence[Rate], agreed_cents: int, today: date
) -> YearSettled | Refusal:
    """The event that settles a year by its validated values, or why it is refused: among others
    when they do not give the sum that both sides agreed on.
    """
    refusal = obstacle(account, opened_on, rates)
    if refusal is not None:
        return refusal
    estimate = price(account, rates)
    if estimate.variable_cents != agreed_cents:
        return Refusal.ANOTHER_SUM
    standing = {line.indicator: account.levels[line.indicator] for line in account.lines}
    return YearSettled(
        cpts_id=account.cpts_id,
        contract_year_starts_on=account.starts_on,
        settled_on=today,
        variable_cents=estimate.variable_cents,
        accrued_cents=account.variable_cents,
        missions=estimate.missions,
        lines=estimate.lines,
        terms=tuple(
            SettledTerms(**msgspec.structs.asdict(line))
            for line in sorted(account.lines, key=lambda line: (line.mission, line.line_id))
        ),
        rates=tuple(
            SettledRate(mission=mission, rate_id=rate.rate_id, amount_cents=rate.amount_cents)
            for mission in (one.mission for one in estimate.missions)
            if (rate := variable_rate(account, rates, mission)) is not None
        ),
        without_agreement=tuple(
            sorted(name for name, one in standing.items() if one.answer != AGREED)
        ),
        without_visa=tuple(sorted(name for name, one in standing.items() if one.level != VISA)),
    )


def variable_now(settled: YearSettled, values: Mapping[str, int]) -> int:
    """What a settled year would be worth by these values, its lines and envelopes being settled."""
    envelopes = {one.mission: one.envelope_cents for one in settled.missions}
    lines = [Line(**msgspec.structs.asdict(terms)) for terms in settled.terms]
    amounts = [
        line_amount(line, Figure(value=values[line.indicator], revision=0)) for line in lines
    ]
    return estimate_of(amounts, envelopes).variable_cents


def adjust(
    settled: YearSettled,
    adjusted: Iterable[YearAdjusted],
    values: Mapping[str, int],
    *,
    indicator: str,
    due_year_starts_on: date,
    number: int,
    today: date,
) -> YearAdjusted | None:
    """The adjustment that corrected values call for, None when it is 0 or a line has no value now.

    `values` are the validated ones as they are now, `number` the adjustment's place among those of
    the year in which it is due.
    """
    if any(line.indicator not in values for line in settled.terms):
        return None
    before = sum(one.amount_cents for one in adjusted)
    now = variable_now(settled, values)
    amount = now - settled.variable_cents - before
    if amount == 0:
        return None
    return YearAdjusted(
        cpts_id=settled.cpts_id,
        contract_year_starts_on=settled.contract_year_starts_on,
        adjusted_on=today,
        due_year_starts_on=due_year_starts_on,
        due_id=f"adjustment:{number}",
        amount_cents=amount,
        variable_cents=now,
        settled_cents=settled.variable_cents,
        adjusted_before_cents=before,
        indicator=indicator,
    )


def open_year(years: Iterable[tuple[date, date]], settled_year: date, today: date) -> date:
    """The first day of the contract year that is open on a day; when none is, of the last one."""
    known = sorted(years)
    for starts_on, ends_on in known:
        if starts_on <= today <= ends_on:
            return starts_on
    return known[-1][0] if known else settled_year


def reversal(event: YearSettled) -> tuple[tuple[str, int], ...]:
    """The ledger lines that take a year's accruals back, in signed cents that sum to zero."""
    payable = f"payable:{event.cpts_id}:{event.contract_year_starts_on.isoformat()}"
    if event.accrued_cents == 0:
        return ()
    return (EXPENSE_ACCOUNT, -event.accrued_cents), (payable, event.accrued_cents)
