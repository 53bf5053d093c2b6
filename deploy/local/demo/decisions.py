"""Doubtful appointments of the SAS platform are decided: by the CPTS that counts them, which gives
them away, and by the caisse, whose word stands; some of what was decided is open again later.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from deploy.local.demo import hub
from deploy.local.demo.cast import PHYSICIAN, Member
from deploy.local.demo.chapters import MINUTE, invented
from deploy.local.demo.hub import PARIS, Told
from deploy.local.demo.opening import Desk, member_body
from deploy.local.demo.orders import Draft
from deploy.local.demo.transfers import VEXIN

TOLD_AT = datetime(2026, 1, 12, 9, 0, tzinfo=PARIS)
DECIDED_AT = datetime(2026, 1, 15, 9, 0, tzinfo=PARIS)
RECORDED_AT = datetime(2026, 1, 20, 9, 0, tzinfo=PARIS)
EAST, WEST, VAL, PLAINE = "95-parisis-est", "95-parisis-ouest", "95-haut-val", "95-plaine-vallee"
DOUBLE, DAY_BEFORE, TWIN = "hub-double", "hub-day-before", "hub-same-minute-b"
UNKNOWN, UNKNOWN_TOO = "hub-inconnu-a", "hub-inconnu-b"
NEW_MEMBER = Member(
    member_id="m-repenti",
    rpps=invented(77004),
    profession=PHYSICIAN,
    from_on=date(2026, 1, 10),
)


def decisions() -> Iterator[Draft]:
    """All of these orders, some of which must be refused."""
    for i, name in enumerate((UNKNOWN, UNKNOWN_TOO)):
        told = Told(
            appointment_id=name,
            created_at=TOLD_AT + i * MINUTE,
            starts_at=TOLD_AT + timedelta(hours=3 + i),
            rpps=NEW_MEMBER.rpps,
            category="CPTS",
        )
        yield hub.message(told, at=TOLD_AT + 2 * MINUTE, name=name)
    desk = Desk(DECIDED_AT, "decisions")
    yield from _refused(desk)
    yield from _given_away(desk)
    yield from _by_the_caisse(desk)
    # The membership comes late: what was decided on without it is open again.
    path = f"/cpts/{PLAINE}/members"
    late = Desk(RECORDED_AT, "late-member")
    yield late.membership("POST", path, member_body(NEW_MEMBER), barrier=True)


def _decide(
    desk: Desk,
    appointment_id: str,
    decision: str,
    reason: str,
    for_cpts_id: str | None = None,
    *,
    by: str = "caisse",
    **more: Any,
) -> Draft:
    """A decision of the caisse, or `by` a CPTS; one comes after the other."""
    body = {"appointment_id": appointment_id, "decision": decision, "reason": reason}
    body |= {"acting_person": "agent-7"} | ({"for_cpts_id": for_cpts_id} if for_cpts_id else {})
    is_role = by in ("caisse", "ars")
    return desk.order(
        "indicators",
        "POST",
        "/attribution/decisions",
        body,
        role=by if is_role else "cpts",
        acting_cpts=None if is_role else by,
        lane="decisions",
        **more,
    )


def _refused(desk: Desk) -> Iterator[Draft]:
    """Nobody's to decide, of nothing, for nobody, where nothing is doubtful."""
    mistake = "decided_by_mistake"
    now: dict[str, Any] = {"barrier": True, "is_after_timers": True}
    yield _decide(desk, DOUBLE, "leave_out", mistake, by="ars", **now)
    yield _decide(desk, DOUBLE, "count_for", mistake)
    yield _decide(desk, "hub-jamais-vu", "leave_out", "outside_cpts")
    yield _decide(desk, DOUBLE, "count_for", mistake, "95-nulle-part")
    yield _decide(desk, DOUBLE, "leave_out", mistake, by=VAL)
    yield _decide(desk, DOUBLE, "count_apart", "two_appointments")
    yield _decide(desk, "hub-finess-msp", "leave_out", "outside_cpts")
    # It is a part of another since the autumn.
    yield _decide(desk, DAY_BEFORE, "count_for", "membership_not_recorded", VEXIN)


def _given_away(desk: Desk) -> Iterator[Draft]:
    """One of two CPTS leaves an appointment to the other, and could not take it for itself; what
    the caisse then says, it does not change.
    """
    yield _decide(desk, DOUBLE, "count_for", "confirmed_by_cpts", WEST, by=WEST)
    yield _decide(desk, DOUBLE, "count_for", "confirmed_by_cpts", EAST, by=WEST)
    yield _decide(desk, DOUBLE, "count_for", "confirmed_by_practitioner", EAST)
    yield _decide(desk, DOUBLE, "leave_out", "outside_cpts", by=EAST)


def _by_the_caisse(desk: Desk) -> Iterator[Draft]:
    """Counted for a CPTS that nobody knew of, counted beside its twin, left out and taken back."""
    late = "membership_not_recorded"
    yield _decide(desk, DAY_BEFORE, "count_for", late, PLAINE)
    yield _decide(desk, DAY_BEFORE, "count_for", late, PLAINE)
    yield _decide(desk, TWIN, "count_apart", "two_appointments")
    yield _decide(desk, "hub-loses-its-member", "leave_out", "outside_cpts")
    yield _decide(desk, "hub-loses-its-participation", "leave_out", "outside_cpts")
    yield _decide(desk, "hub-loses-its-participation", "as_ruled", "decided_by_mistake")
    yield _decide(desk, UNKNOWN, "count_for", late, VAL)
