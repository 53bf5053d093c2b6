"""The oracle's half about appointments of the SAS platform: whose each is, what is doubtful in it,
and what somebody decided about it.

Written from the rules (ADR 0009 and 0029); shares no code with the services.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from deploy.local.demo.oracle_contracts import Contracts, paris_day
from deploy.local.demo.oracle_hub import HubMessage
from deploy.local.demo.oracle_people import has_right_digit, is_on
from deploy.local.demo.oracle_referrals import Referral
from deploy.local.demo.orders import Order

NEVER_COUNTED = ("MSP", "CDS", "SOS", "PDM")
COUNTED_STATUSES = ("booked", "fulfilled", "noshow")
NO_CPTS, AMBIGUOUS, SAME_MINUTE = "no_cpts", "ambiguous", "same_minute"
WRONG_DIGIT = "wrong_check_digit"
COUNT_FOR, COUNT_APART, LEAVE_OUT, AS_RULED = "count_for", "count_apart", "leave_out", "as_ruled"
OPEN, DECIDED, REOPENED = "open", "decided", "reopened"
ROLES = ("cpts", "caisse")
Appointments = Mapping[str, list[HubMessage]]
Slot = tuple[str | None, datetime]


@dataclass(frozen=True)
class Case:
    """Where an appointment counts; `cpts_id` would count it if its `twin`, a fact, did not."""

    created_at: datetime
    cpts_id: str | None = None
    candidates: tuple[str, ...] = ()
    doubts: frozenset[str] = frozenset()
    twin: str | None = None
    outcome: str = "counted"
    state: str = OPEN

    @property
    def day(self) -> date:
        """The booking day."""
        return paris_day(self.created_at)

    @property
    def is_listed(self) -> bool:
        """Whether it is doubtful, or was decided."""
        return bool(self.doubts) or self.state != OPEN


@dataclass(frozen=True)
class Decision:
    """What was decided last, and the candidates and twins that were looked at."""

    decision: str
    reason: str
    by_role: str
    decided_by: str
    by_cpts: str | None
    for_cpts: str | None
    candidates: tuple[str, ...]
    twins: tuple[str, ...]


class Attributions:
    """What was decided, by appointment."""

    def __init__(self, contracts: Contracts) -> None:
        self._contracts = contracts
        self.decided: dict[str, Decision] = {}

    def order(self, order: Order, appointments: Appointments, referrals: Iterable[Referral]) -> str:
        """The outcome of a decision; `referrals` are ours that count now."""
        body = order.body
        named, decision = body.get("for_cpts_id"), body["decision"]
        if (decision == COUNT_FOR and not named) or (decision in (LEAVE_OUT, AS_RULED) and named):
            return "400"
        if order.role not in ROLES:
            return "role_not_allowed"
        id_ = body["appointment_id"]
        case = self.cases(appointments, referrals).get(id_)
        if case is None:
            return "404"
        if order.role == "cpts" and order.acting_cpts != case.cpts_id:
            return "not_the_acting_cpts"
        if named is not None and named not in self._contracts.cpts:
            return "404"
        refusal = self._refusal(case, self.decided.get(id_), decision, named, order)
        if refusal is not None:
            return refusal
        before = self.decided.get(id_)
        twins = {*(before.twins if before else ()), *((case.twin,) if case.twin else ())}
        self.decided[id_] = Decision(
            decision=decision,
            reason=body["reason"],
            by_role=order.role,
            decided_by=body["acting_person"],
            by_cpts=order.acting_cpts if order.role == "cpts" else None,
            for_cpts=named,
            candidates=case.candidates,
            twins=tuple(sorted(twins)),
        )
        return "ok"

    def _refusal(
        self, case: Case, before: Decision | None, decision: str, named: str | None, order: Order
    ) -> str | None:
        if not case.doubts and before is None:
            return "not_doubtful"
        if order.role == "cpts":
            if before is not None and before.by_role == "caisse":
                return "decided_by_the_caisse"
            leaves = named in case.candidates and named != order.acting_cpts
            if decision != LEAVE_OUT and not (decision == COUNT_FOR and leaves):
                return "not_given_away"
        if decision == COUNT_APART and SAME_MINUTE not in case.doubts:
            return "no_twin"
        if named is not None and self._contracts.whole_of(named, case.day) != named:
            return "part_of_another"
        return None

    def cases(self, appointments: Appointments, referrals: Iterable[Referral]) -> dict[str, Case]:
        """Every appointment, the one created first before the others; of twins our referral counts,
        else the first of them.
        """
        taken: dict[Slot, list[str]] = {}
        for referral in sorted(referrals, key=lambda one: one.id):
            if referral.starts_at is not None:
                slot = _slot(referral.rpps, referral.starts_at)
                taken.setdefault(slot, []).append(f"referral:{referral.id}")
        states = {id_: max(messages) for id_, messages in appointments.items()}
        ruled = {id_: self._ruled(state) for id_, state in states.items()}
        found = {}
        for id_ in sorted(ruled, key=lambda id_: (ruled[id_].created_at, id_)):
            case = self._as_decided(ruled[id_], self.decided.get(id_))
            told = states[id_].appointment
            rpps = told.get("practitioner", {}).get("rppsId")
            if case.outcome == "counted" and rpps is not None:
                before = taken.setdefault(_slot(rpps, datetime.fromisoformat(told["start"])), [])
                case = self._beside(f"appointment:{id_}", case, before)
            found[id_] = replace(case, state=_state(case, self.decided.get(id_)))
        return found

    def _beside(self, fact: str, case: Case, before: list[str]) -> Case:
        """A case beside those of the same practitioner and minute, which it may join."""
        if before:
            case = replace(case, doubts=case.doubts | {SAME_MINUTE})
        twins = [
            one for one in before if one not in self._apart(fact) and fact not in self._apart(one)
        ]
        if twins:
            return replace(case, outcome="duplicate", twin=twins[0])
        before.append(fact)
        return case

    def _apart(self, fact: str) -> tuple[str, ...]:
        """The facts of which somebody decided that they are no twins of this one."""
        decided = self.decided.get(fact.removeprefix("appointment:"))
        return decided.twins if decided and decided.decision == COUNT_APART else ()

    def _ruled(self, state: HubMessage) -> Case:
        """Where an appointment counts by the rule, twins left aside."""
        told = state.appointment
        case = Case(datetime.fromisoformat(told["created"]))
        if state.status not in COUNTED_STATUSES:
            return replace(case, outcome="not_standing")
        if told.get("orientationCategory") in NEVER_COUNTED:
            return replace(case, outcome="excluded")
        candidates = self._candidates(told, case.day)
        doubts = {AMBIGUOUS} if len(candidates) > 1 else set()
        rpps = told.get("practitioner", {}).get("rppsId")
        if rpps is not None and not has_right_digit(rpps):
            doubts.add(WRONG_DIGIT)
        if not candidates:
            return replace(case, outcome="unattributed", doubts=frozenset(doubts | {NO_CPTS}))
        return replace(case, cpts_id=candidates[0], candidates=candidates, doubts=frozenset(doubts))

    def _candidates(self, told: dict[str, Any], day: date) -> tuple[str, ...]:
        """The CPTS that could count an appointment, the first of which does."""
        organisation = told.get("organization")
        if organisation is not None:
            cpts_id = self._contracts.with_finess(organisation["organizationId"])
            if cpts_id is not None:
                return (self._contracts.whole_of(cpts_id, day),)
        category = told.get("orientationCategory")
        if "practitioner" not in told or category not in ("CPTS", "PS"):
            return ()
        rpps = told["practitioner"]["rppsId"]
        takes_part = any(
            one.rpps == rpps and is_on(day, one.from_on, one.to_on)
            for _, one in self._contracts.participations()
        )
        if category == "PS" and not takes_part:
            return ()
        return tuple(cpts_id for cpts_id, _ in self._contracts.memberships_on(rpps, day))

    def _as_decided(self, ruled: Case, decided: Decision | None) -> Case:
        """What does not stand, or never counts, counts nowhere whatever was decided."""
        if decided is None or ruled.outcome in ("not_standing", "excluded"):
            return ruled
        if decided.decision == LEAVE_OUT:
            return replace(ruled, outcome="left_out", cpts_id=None)
        if decided.for_cpts is not None:
            return replace(ruled, outcome="counted", cpts_id=decided.for_cpts)
        return ruled


def _state(case: Case, decided: Decision | None) -> str:
    """Whether a case is decided, or open again: its candidates or its twin are others now."""
    if decided is None or case.outcome in ("not_standing", "excluded"):
        return OPEN
    is_same = case.candidates == decided.candidates and case.twin in (None, *decided.twins)
    return DECIDED if is_same else REOPENED


def _slot(rpps: str | None, starts_at: datetime) -> Slot:
    """A practitioner and a minute: two appointments cannot share it."""
    return rpps, starts_at.astimezone(UTC).replace(second=0, microsecond=0)
