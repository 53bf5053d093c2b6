"""The oracle's half about steering: answers, delays and no-shows per CPTS and contract year.

Written from the rules; shares no code with the services.
"""

from collections import Counter
from datetime import date

from deploy.local.demo.oracle import Oracle
from deploy.local.demo.oracle_contracts import paris_day
from deploy.local.demo.oracle_referrals import Referral

Steering = dict[str, int | None]


def steering(oracle: Oracle) -> dict[tuple[str, date], Steering]:
    """What each CPTS steers by in each contract year; shares in basis points, rounded down."""
    return {
        (cpts_id, start): _steering(
            [one for one in oracle.referrals.values() if _is_answered(one, cpts_id, start, end)]
        )
        for cpts_id, cpts in oracle.contracts.cpts.items()
        for start, end in cpts.years
    }


def _is_answered(referral: Referral, cpts_id: str, start: date, end: date) -> bool:
    if referral.cpts_id != cpts_id or referral.answered_at is None:
        return False
    return start <= paris_day(referral.answered_at) <= end


def _steering(answered: list[Referral]) -> Steering:
    answers = Counter(one.answer for one in answered)
    accepted = [one for one in answered if one.answer == "accepted"]
    endings = Counter(one.state for one in accepted)
    delays = sorted(
        int((one.starts_at - one.received_at).total_seconds())
        for one in accepted
        if one.starts_at is not None
    )
    return {
        "accepted": answers["accepted"],
        "declined": answers["declined"],
        "expired": answers["expired"],
        "honoured": endings["honoured"],
        "missed": endings["missed"],
        "delay_seconds_p50": _nearest_rank(delays, 50),
        "delay_seconds_p90": _nearest_rank(delays, 90),
        "acceptance_basis_points": _share(answers["accepted"], len(answered)),
        "no_show_basis_points": _share(endings["missed"], endings["honoured"] + endings["missed"]),
    }


def _share(part: int, whole: int) -> int | None:
    return part * 10_000 // whole if whole else None


def _nearest_rank(ordered: list[int], percent: int) -> int | None:
    """The smallest value that at least `percent` percent of them do not exceed."""
    return ordered[-(-percent * len(ordered) // 100) - 1] if ordered else None
