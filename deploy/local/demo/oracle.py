"""What must come of the recorded orders: every refusal, ending, figure, due sum and cent.

Written from the rules, plainly, and sharing no code with the services: it reads the recorded
orders and their instants, and data files, never a response. One pass over the orders by instant;
an offer or a wait that is due before an instant has ended when that instant's order comes, and an
order that comes at the very instant of a limit is late. Figures, cents and sums that fall due are
then read off at the end, in `oracle_figures` and `oracle_dues`.
"""

import hashlib
import heapq
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from deploy.local.demo.oracle_attribution import Attributions, Case
from deploy.local.demo.oracle_contracts import Contracts, paris_day
from deploy.local.demo.oracle_declared import Declarations, Figure
from deploy.local.demo.oracle_evidence import Evidence
from deploy.local.demo.oracle_hub import CLOCK_TOLERANCE, HubMessage, known_as, read
from deploy.local.demo.oracle_levels import Levels
from deploy.local.demo.oracle_missions import Missions
from deploy.local.demo.oracle_payments import Payments
from deploy.local.demo.oracle_people import is_on
from deploy.local.demo.oracle_referrals import WITH_APPOINTMENT, Referral, told_of_ours
from deploy.local.demo.oracle_registers import PARIS, resolve
from deploy.local.demo.oracle_transfers import transfer
from deploy.local.demo.orders import Order

ANSWER_WITHIN = timedelta(minutes=60)
MOVE_WITHIN = timedelta(days=30)
NEEDS = {
    *("consultation_generaliste", "consultation_pediatrique", "soins_dentaires"),
    *("soins_infirmiers", "sage_femme", "kinesitherapie", "renouvellement_urgent"),
    "petite_traumatologie",
}
DECLINE_REASONS = {
    *("no_availability", "outside_competence", "not_unscheduled_care"),
    *("needs_emergency_care", "place_not_covered"),
}
NOT_OFFERED = "not_offered_in_time"
OF_THE_REGULATION = {"regulation", "by_regulation"}
OF_THE_CPTS = {"cpts", "by_cpts"}
RETURN_REASONS = {"by_cpts", "by_regulation", "practitioner_unavailable"}
SIDES = {"patient", "practitioner", "cpts", "regulation"}
DEMAND_FIELDS = {"source", "source_id", "commune", "part", "need", "urgency", "received_at"}


class Oracle:
    """Reads the orders one by one; `outcomes` by order number, then the state of everything."""

    def __init__(self) -> None:
        self.ends_on = date.min
        self.contracts = Contracts()
        self.missions = Missions()
        self.attributions = Attributions(self.contracts)
        self.evidence = Evidence()
        self.declarations = Declarations(self.contracts)
        self.levels = Levels(self.contracts, self._evidence)
        self.payments = Payments(self.contracts, self.missions, self.levels)
        self.referrals: dict[str, Referral] = {}
        self.appointments: dict[str, list[HubMessage]] = {}
        self.outcomes: dict[int, str] = {}
        self._answers: dict[tuple[str, str], tuple[tuple[str, str, str, bytes], str]] = {}
        self._hub_answers: dict[str, str] = {}
        self._limits: list[tuple[datetime, str]] = []

    def read(self, orders: Sequence[Order], ends_at: datetime) -> "Oracle":
        """Foresee the outcome of every order, and let all limits before `ends_at` pass."""
        for order in sorted(orders, key=lambda order: (order.at, order.n)):
            self._let_limits_pass(order.at)
            self.outcomes[order.n] = self._remembered(order)
        self._let_limits_pass(ends_at)
        self.ends_on = paris_day(ends_at)
        self.contracts.let_pass(self.ends_on)
        return self

    def _remembered(self, order: Order) -> str:
        """The same key with the same content gives the first answer."""
        who = f"{order.role} {order.acting_cpts}"
        content = (who, order.method, order.path, order.content())
        key = (order.service, order.key)
        if key in self._answers:
            first, outcome = self._answers[key]
            return outcome if first == content else "idempotency_key_reused"
        if order.service == "referrals":
            outcome = self._referral_order(order)
        elif order.service == "indicators":
            outcome = self._indicators_order(order)
        elif order.service == "payments":
            outcome = self.payments.order(order)
        elif order.path.endswith(("/merger", "/split")):
            outcome = transfer(self.contracts, order)
        else:
            outcome = self.contracts.order(order)
            if outcome == "ok" and "/territory" in order.path:
                self._look_again_at_held(order.at)
        self._answers[key] = (content, outcome)
        return outcome

    # -- figures

    def _indicators_order(self, order: Order) -> str:
        """A level that is said of a year that is settled adjusts it."""
        if order.path == "/attribution/decisions":
            return self.attributions.order(order, self.appointments, self.counted_referrals())
        if "/declarations/" in order.path:
            return self.declarations.order(order)
        if "/evidence/" in order.path:
            return self.evidence.order(order, self.contracts.cpts)
        if "/figures/" not in order.path:
            return self.missions.order(order)
        outcome = self.levels.order(order)
        _, _, cpts_id, _, year, *_ = order.path.split("/")
        if outcome == "ok":
            self.payments.dialogues.adjust(cpts_id, date.fromisoformat(year), paris_day(order.at))
        return outcome

    def _evidence(self, figure: Figure, end: date) -> set[str]:
        cpts_id, indicator, start = figure
        return self.missions.evidence(cpts_id, indicator, start, end) | self.declarations.evidence(
            figure
        )

    # -- limits

    def _let_limits_pass(self, instant: datetime) -> None:
        while self._limits and self._limits[0][0] <= instant:
            due, referral_id = heapq.heappop(self._limits)
            referral = self.referrals[referral_id]
            if referral.state == "offered" and referral.answer_by == due:
                referral.state = referral.answer = "expired"
                referral.answered_at = due
            elif referral.state == "held" and referral.see_by <= due:
                referral.state, referral.reason = "returned", NOT_OFFERED
            elif referral.state == "held":
                self._offer(referral, due)

    def _offer(self, referral: Referral, at: datetime) -> None:
        """Ask the CPTS that holds the place that day, if there is one and time is left."""
        if at >= referral.see_by:
            return
        cpts_id = self.contracts.holder(referral.commune, referral.part, paris_day(at))
        if cpts_id is None:
            return
        referral.state, referral.cpts_id = "offered", cpts_id
        referral.answer_by = min(at + ANSWER_WITHIN, referral.see_by)
        heapq.heappush(self._limits, (referral.answer_by, referral.id))

    def _look_again_at_held(self, at: datetime) -> None:
        for referral in self.referrals.values():
            if referral.state == "held":
                self._offer(referral, max(at, referral.recorded_at))

    # -- demands

    def _referral_order(self, order: Order) -> str:
        if order.path == "/demands":
            return self._demand(order)
        if order.path == "/sas/messages":
            return self._message(order)
        _, _, referral_id, verb = order.path.split("/")
        referral = self.referrals.get(referral_id)
        if referral is None:
            return "404"
        if order.role == "cpts":
            about = {referral.cpts_id, order.body.get("cpts_id", referral.cpts_id)}
            if about != {order.acting_cpts}:
                return "not_the_acting_cpts"
        others = {"cpts": OF_THE_REGULATION, "regulation": OF_THE_CPTS}.get(order.role, set())
        if others & {order.body.get("by"), order.body.get("reason")}:
            return "not_the_acting_side"
        verbs = {
            "accept": self._accept,
            "decline": self._decline,
            "return": self._return,
            "part": self._part,
            "honoured": self._honoured,
            "no-show": self._missed,
            "cancel": self._cancel,
            "move": self._move,
        }
        return verbs[verb](referral, order.body, order.at)

    def _demand(self, order: Order) -> str:
        body = order.body
        if set(body) - DEMAND_FIELDS:
            return "400"
        digest = hashlib.sha256(f"{body['source']}\n{body['source_id']}".encode()).hexdigest()
        referral_id = f"r-{digest[:32]}"
        if referral_id in self.referrals:
            is_same = self.referrals[referral_id].body == body
            return "ok" if is_same else "demand_already_known"
        commune = resolve(body["commune"])
        if commune is None:
            return "unknown_commune"
        if body["need"] not in NEEDS:
            return "unknown_need"
        received_at = datetime.fromisoformat(body["received_at"])
        if received_at > order.at + CLOCK_TOLERANCE:
            return "received_in_the_future"
        if body["urgency"] == "same_day":
            next_day = received_at.astimezone(commune.zone).date() + timedelta(days=1)
            see_by = datetime.combine(next_day, time(), commune.zone)
        else:
            see_by = received_at + timedelta(hours=48)
        referral = Referral(
            id=referral_id,
            body=body,
            commune=commune,
            received_at=received_at,
            recorded_at=order.at,
            see_by=see_by,
            part=body.get("part"),
        )
        self.referrals[referral_id] = referral
        heapq.heappush(self._limits, (max(see_by, order.at), referral_id))
        # A territory may begin at each midnight in Paris until then.
        day = paris_day(order.at) + timedelta(days=1)
        while datetime.combine(day, time(), PARIS) < see_by:
            heapq.heappush(self._limits, (datetime.combine(day, time(), PARIS), referral_id))
            day += timedelta(days=1)
        if see_by < order.at:
            referral.state, referral.reason = "returned", NOT_OFFERED
        self._offer(referral, order.at)
        return "ok"

    def _part(self, referral: Referral, body: dict[str, Any], at: datetime) -> str:
        """The part, or the arrondissement, that a held demand of a divided place needs."""
        day = paris_day(at)
        is_needed = referral.state == "held" and self.contracts.needs_part(
            referral.commune, referral.part, day
        )
        if len(body) != 1:
            return "400"
        if not is_needed:
            return "no_part_needed"
        if "commune" in body:
            commune = resolve(body["commune"])
            if commune is None or commune.city != referral.commune.code:
                return "unknown_part"
            referral.commune, referral.part = commune, None
        elif body["part"] in self.contracts.parts_on(referral.commune, day):
            referral.part = body["part"]
        else:
            return "unknown_part"
        self._offer(referral, at)
        return "ok"

    def _answer_refusal(self, referral: Referral, body: dict[str, Any], at: datetime) -> str | None:
        if referral.state not in ("offered", "expired") or referral.answer_by is None:
            return "not_awaiting_answer"
        if body["cpts_id"] != referral.cpts_id:
            return "not_the_offered_cpts"
        return "answer_too_late" if at >= referral.answer_by else None

    def _accept(self, referral: Referral, body: dict[str, Any], at: datetime) -> str:
        refusal = self._answer_refusal(referral, body, at)
        if refusal is not None:
            return refusal
        starts_at = datetime.fromisoformat(body["starts_at"])
        if not self._is_member(body["practitioner_rpps"], referral.cpts_id, at):
            return "practitioner_not_a_member"
        if starts_at < at:
            return "appointment_in_the_past"
        is_day_over = referral.body["urgency"] == "same_day" and starts_at == referral.see_by
        if starts_at > referral.see_by or is_day_over:
            return "appointment_after_see_by"
        referral.state, referral.accepted_at, referral.agreed_at = "booked", at, at
        referral.answer, referral.answered_at = "accepted", at
        referral.starts_at, referral.rpps = starts_at, body["practitioner_rpps"]
        return "ok"

    def _is_member(self, rpps: str | None, cpts_id: str | None, at: datetime) -> bool:
        return any(
            person.rpps == rpps and is_on(paris_day(at), person.from_on, person.to_on)
            for person in self.contracts.members_of(cpts_id or "")
        )

    def _decline(self, referral: Referral, body: dict[str, Any], at: datetime) -> str:
        refusal = self._answer_refusal(referral, body, at)
        if refusal is not None:
            return refusal
        if body["reason"] not in DECLINE_REASONS:
            return "unknown_reason"
        referral.state = referral.answer = "declined"
        referral.answered_at, referral.reason = at, body["reason"]
        return "ok"

    def _return(self, referral: Referral, body: dict[str, Any], at: datetime) -> str:
        if referral.state not in ("held", "offered", "booked", "expired"):
            return "nothing_to_return"
        if body["reason"] not in RETURN_REASONS:
            return "unknown_reason"
        is_waiting = referral.state in ("offered", "expired")
        if is_waiting and referral.answer_by and at >= referral.answer_by:
            return "answer_too_late"
        referral.state, referral.reason = "returned", body["reason"]
        return "ok"

    def _honoured(self, referral: Referral, _body: dict[str, Any], at: datetime) -> str:
        return self._seen(referral, "honoured", at)

    def _missed(self, referral: Referral, _body: dict[str, Any], at: datetime) -> str:
        return self._seen(referral, "missed", at)

    def _seen(self, referral: Referral, state: str, at: datetime) -> str:
        if referral.state not in WITH_APPOINTMENT or referral.starts_at is None:
            return "no_appointment"
        if at < referral.starts_at:
            return "appointment_not_started"
        referral.state, referral.reported_at = state, at
        return "ok"

    def _cancel(self, referral: Referral, body: dict[str, Any], _at: datetime) -> str:
        if referral.state != "booked":
            return "no_appointment"
        if body["by"] not in SIDES:
            return "unknown_side"
        referral.state = "cancelled"
        return "ok"

    def _move(self, referral: Referral, body: dict[str, Any], at: datetime) -> str:
        if referral.state != "booked" or referral.starts_at is None:
            return "no_appointment"
        rpps = body.get("practitioner_rpps", referral.rpps)
        starts_at = referral.starts_at
        if "starts_at" in body:
            starts_at = datetime.fromisoformat(body["starts_at"])
        if (starts_at, rpps) == (referral.starts_at, referral.rpps):
            return "nothing_to_move"
        if "practitioner_rpps" in body and not self._is_member(rpps, referral.cpts_id, at):
            return "practitioner_not_a_member"
        if "starts_at" in body and starts_at < at:
            return "appointment_in_the_past"
        if "starts_at" in body and starts_at > referral.see_by + MOVE_WITHIN:
            return "appointment_too_late"
        referral.starts_at, referral.rpps, referral.agreed_at = starts_at, rpps, at
        return "ok"

    # -- messages of the Hub Santé

    def _message(self, order: Order) -> str:
        if (again := known_as(order.content()) or "") in self._hub_answers:
            return self._hub_answers[again]
        message = read(order.content(), order.at)
        if isinstance(message, str):
            return message
        if message.distribution_id not in self._hub_answers:
            if message.expires_at <= order.at:
                return "hub 400"
            self._hub_answers[message.distribution_id] = self._take(message)
        return self._hub_answers[message.distribution_id]

    def _take(self, message: HubMessage) -> str:
        appointment_id = message.appointment["appointmentId"]
        referral = self.referrals.get(appointment_id)
        is_known = appointment_id in self.appointments or referral is not None
        if is_known and message.appointment["method"] == "CreateAppointment":
            return "hub 701"
        if message.is_exercise:
            return "ok"
        if referral is None:
            self.appointments.setdefault(appointment_id, []).append(message)
        elif referral.agreed_at is not None:
            referral.messages.append(message)
            told_of_ours(referral, referral.agreed_at)
        return "ok"

    # -- at the end

    def counted_referrals(self) -> list[Referral]:
        """The referrals that count: booked, honoured or missed at the end."""
        return [one for one in self.referrals.values() if one.state in WITH_APPOINTMENT]

    def cases(self) -> dict[str, Case]:
        """Where each appointment of the platform counts at the end, and what is doubtful in it."""
        return self.attributions.cases(self.appointments, self.counted_referrals())


def foresee(orders: Sequence[Order], ends_at: datetime) -> Oracle:
    """What must come of these orders once everything due before `ends_at` has passed."""
    return Oracle().read(orders, ends_at)
