"""What a CPTS steers by: acceptance, delays and no-shows of one contract year.

Shares are in basis points (10 000 is all of them), rounded down; delays are in seconds. A share of
nothing is None.
"""

import msgspec

ALL_BASIS_POINTS = 10_000


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Counts over the referrals of one CPTS answered in one contract year.

    Delays run from the demand's receipt to the appointment's start, over accepted referrals.
    """

    accepted: int
    declined: int
    expired: int
    honoured: int
    missed: int
    delay_seconds_p50: int | None = None
    delay_seconds_p90: int | None = None


class Steering(msgspec.Struct, frozen=True, kw_only=True):
    """The tally with its rates."""

    tally: Tally
    acceptance_basis_points: int | None
    no_show_basis_points: int | None


def steer(tally: Tally) -> Steering:
    """The rates that follow from a tally."""
    return Steering(
        tally=tally,
        acceptance_basis_points=basis_points(
            tally.accepted, tally.accepted + tally.declined + tally.expired
        ),
        no_show_basis_points=basis_points(tally.missed, tally.honoured + tally.missed),
    )


def basis_points(part: int, whole: int) -> int | None:
    """`part` of `whole` in basis points, rounded down; None when there is nothing."""
    return None if whole == 0 else part * ALL_BASIS_POINTS // whole
