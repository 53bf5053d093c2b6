"""What an account would be worth if some of its inputs were others: the same pricing."""

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from services.payments.domain.accounts import Account, Estimate, Figure, price
from services.payments.domain.lines import Line
from services.payments.domain.scale import VARIABLE_PART, Rate, rate_on


class Supposed(msgspec.Struct, frozen=True, kw_only=True):
    """What is supposed instead of what is: None, or nothing, where the present holds.

    `values` are by indicator; `lines` replace all lines; `envelopes`, in cents for a whole year,
    are by mission.
    """

    taille: int | None = None
    starts_on: date | None = None
    values: Mapping[str, int] = {}
    lines: tuple[Line, ...] | None = None
    envelopes: Mapping[str, int] = {}


def simulate(account: Account, rates: Sequence[Rate], supposed: Supposed) -> Estimate:
    """What the account would be worth; the supposed amounts stand before all that is published."""
    taille = account.taille if supposed.taille is None else supposed.taille
    starts_on = supposed.starts_on or account.starts_on
    present = {name: figure.revision for name, figure in account.figures.items()}
    values = {
        name: Figure(value=value, revision=present.get(name, 0))
        for name, value in supposed.values.items()
    }
    otherwise = msgspec.structs.replace(
        account,
        taille=taille,
        starts_on=starts_on,
        lines=account.lines if supposed.lines is None else supposed.lines,
        figures={**account.figures, **values},
        levels={name: one for name, one in account.levels.items() if name not in values},
    )
    return price(otherwise, [*rates, *_supposed_rates(rates, supposed, taille, starts_on)])


def _supposed_rates(
    rates: Sequence[Rate], supposed: Supposed, taille: int | None, starts_on: date
) -> list[Rate]:
    """Each supposed envelope as a rate of its own, published last."""
    last = max((rate.sequence for rate in rates), default=0)
    found = []
    for mission, amount_cents in supposed.envelopes.items():
        present = rate_on(rates, taille=taille, mission=mission, part=VARIABLE_PART, day=starts_on)
        found.append(
            Rate(
                rate_id=f"simulation/{mission}",
                from_on=present.from_on if present else starts_on,
                to_on=None,
                taille=taille or 0,
                mission=mission,
                part=VARIABLE_PART,
                amount_cents=amount_cents,
                text="simulation",
                status="hypothesis",
                is_verified=False,
                sequence=last + 1,
            )
        )
    return found
