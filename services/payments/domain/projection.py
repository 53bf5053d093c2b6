"""Where a contract year is heading: each figure at its end if the flow goes on, and the euros.

What is counted as it happens is taken for a Poisson process, whose rate is known by what came so
far (Jeffreys' prior): what is still to come then has mean `m = (v + 1/2) r / e` and variance
`m (1 + r / e)` for a value v after e days with r to go. The interval holds nine times in ten, by
the normal approximation. What is a state, such as the patients without a médecin traitant, is
projected as it stands.
"""

from collections.abc import Mapping
from datetime import date
from math import isqrt

import msgspec

from contracts.events.payments import LineAmount
from contracts.indicators import indicators
from services.payments.domain.accounts import (
    Account,
    Estimate,
    Figure,
    estimate_of,
    line_amount,
)
from services.payments.domain.lines import Line

Z_THOUSANDTHS = 1645  # of a standard normal variable, nine in ten lie within this many deviations


class Projection(msgspec.Struct, frozen=True, kw_only=True):
    """A figure now, and at the end of the year: likely, and nine times in ten from low to high."""

    value: int
    low: int
    likely: int
    high: int


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """A contract year at its end: each figure, and what the account would be worth, in cents."""

    figures: Mapping[str, Projection]
    low: Estimate
    likely: Estimate
    high: Estimate


def project(value: int, elapsed_days: int, days_to_go: int) -> Projection:
    """A count of which so much came in so many days, so many days later."""
    if days_to_go <= 0 or elapsed_days <= 0:
        return Projection(value=value, low=value, likely=value, high=value)
    likely = value + (2 * value * days_to_go + elapsed_days) // (2 * elapsed_days)
    variance_millionths = (
        10**6 * (2 * value + 1) * days_to_go * (elapsed_days + days_to_go) // (2 * elapsed_days**2)
    )
    half = Z_THOUSANDTHS * isqrt(variance_millionths) // 10**6
    return Projection(value=value, low=max(value, likely - half), likely=likely, high=likely + half)


def look_ahead(
    account: Account, envelopes: Mapping[str, int | None], *, ends_on: date, today: date
) -> Outlook:
    """The end of a contract year, seen from a day of it; the day itself counts as elapsed."""
    elapsed = (min(today, ends_on) - account.starts_on).days + 1
    to_go = (ends_on - min(today, ends_on)).days
    figures = {
        name: project(figure.value, elapsed, to_go if _is_flow(name) else 0)
        for name, figure in account.figures.items()
    }
    parts = account.parts_run
    ends = [_at_the_end(account, line, figures.get(line.indicator)) for line in account.lines]
    return Outlook(
        figures=figures,
        low=estimate_of((min(one, key=_cents) for one in ends), envelopes, parts),
        likely=estimate_of((one[1] for one in ends), envelopes, parts),
        high=estimate_of((max(one, key=_cents) for one in ends), envelopes, parts),
    )


def _at_the_end(account: Account, line: Line, seen: Projection | None) -> list[LineAmount]:
    """What a line would bring for the low, the likely and the high end of its figure."""
    if seen is None:
        return [line_amount(line, None)] * 3
    revision = account.figures[line.indicator].revision
    return [
        line_amount(line, Figure(value=value, revision=revision))
        for value in (seen.low, seen.likely, seen.high)
    ]


def _is_flow(indicator: str) -> bool:
    """Whether an indicator adds up as the year goes; one of this contract alone is a state."""
    known = indicators().get(indicator)
    return known is not None and known.is_cumulative


def _cents(amount: LineAmount) -> int:
    return amount.amount_cents
