"""The lives of the demo's demands: what the SAS asks, and how the CPTS answers, or nobody does.

Each life is a short story of orders. What comes of them is not decided here: the oracle says it.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from contracts.departements import by_code, departement_of_commune
from deploy.local.demo import hub
from deploy.local.demo.cast import Cpts, Member
from deploy.local.demo.hub import Told
from deploy.local.demo.orders import Draft

SOURCE = "sas-demonstration"
STRANGER_RPPS = "810999999999"
NEEDS = (
    "consultation_generaliste",
    "consultation_pediatrique",
    "soins_dentaires",
    "soins_infirmiers",
    "sage_femme",
    "kinesitherapie",
    "renouvellement_urgent",
    "petite_traumatologie",
)
DECLINE_REASONS = (
    "no_availability",
    "outside_competence",
    "not_unscheduled_care",
    "needs_emergency_care",
    "place_not_covered",
)
MINUTE = timedelta(minutes=1)
ANSWER_WITHIN = timedelta(minutes=60)


def referral_id(source_id: str) -> str:
    """The id that a demand of the demo's source gets, by the published rule."""
    digest = hashlib.sha256(f"{SOURCE}\n{source_id}".encode()).hexdigest()
    return f"r-{digest[:32]}"


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """A demand that reaches the CPTS `cpts` (None: no CPTS holds the place) at `at`."""

    random: Random
    source_id: str
    commune: str
    received_at: datetime
    at: datetime
    urgency: str
    cpts: Cpts | None = None
    other: Cpts | None = None
    part: str | None = None

    @property
    def id(self) -> str:
        """The referral's id."""
        return referral_id(self.source_id)

    @property
    def see_by(self) -> datetime:
        """Until when the person should be seen."""
        if self.urgency == "within_48h":
            return self.received_at + timedelta(hours=48)
        zone = ZoneInfo(by_code(departement_of_commune(self.commune)).time_zone)
        day = self.received_at.astimezone(zone).date() + timedelta(days=1)
        return datetime.combine(day, time(), zone).astimezone(self.at.tzinfo)

    @property
    def answer_by(self) -> datetime:
        """Until when the CPTS may answer, if it is asked when the demand arrives."""
        return min(self.at + ANSWER_WITHIN, self.see_by)

    def body(self) -> dict[str, Any]:
        """The demand as the SAS sends it."""
        body = {
            "source": SOURCE,
            "source_id": self.source_id,
            "commune": self.commune,
            "need": NEEDS[sum(self.source_id.encode()) % len(NEEDS)],
            "urgency": self.urgency,
            "received_at": self.received_at.isoformat(),
        }
        return body if self.part is None else body | {"part": self.part}

    def demand(self, *, at: datetime | None = None, key: str = "demand") -> Draft:
        """The order that hands the demand over."""
        return self._draft("/demands", at or self.at, self.body(), "regulation", key)

    def order(
        self,
        verb: str,
        at: datetime,
        body: dict[str, Any] | None = None,
        *,
        role: str = "cpts",
        key: str = "",
    ) -> Draft:
        """An order about the referral."""
        return self._draft(f"/referrals/{self.id}/{verb}", at, body or {}, role, key or verb)

    def _draft(self, path: str, at: datetime, body: Any, role: str, key: str) -> Draft:
        return Draft(
            at=at,
            service="referrals",
            path=path,
            role=role,
            key=f"{self.source_id}:{key}",
            lane=self.id,
            body=body,
        )

    def member(self, cpts: Cpts | None = None) -> Member:
        """A member of the CPTS on the day of the demand."""
        day = self.at.date()
        there = [
            member
            for member in (cpts or self._cpts()).members
            if member.from_on <= day and (member.to_on is None or day <= member.to_on)
        ]
        return self.random.choice(there)

    def accept(
        self,
        at: datetime,
        starts_at: datetime,
        rpps: str,
        *,
        cpts: Cpts | None = None,
        key: str = "accept",
    ) -> Draft:
        """The CPTS's yes with an appointment."""
        body = {
            "cpts_id": (cpts or self._cpts()).cpts_id,
            "practitioner_rpps": rpps,
            "starts_at": starts_at.isoformat(),
        }
        return self.order("accept", at, body, key=key)

    def decline(self, at: datetime, reason: str, *, key: str = "decline") -> Draft:
        """The CPTS's no."""
        return self.order(
            "decline", at, {"cpts_id": self._cpts().cpts_id, "reason": reason}, key=key
        )

    def _cpts(self) -> Cpts:
        assert self.cpts is not None, "only a CPTS that is asked answers"
        return self.cpts


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """A life up to its appointment: the orders so far and what was agreed."""

    life: Life
    drafts: tuple[Draft, ...]
    at: datetime
    starts_at: datetime
    rpps: str

    def then(self, *later: Draft) -> list[Draft]:
        """The whole life."""
        return [*self.drafts, *later]

    def told(self, status: str, *, starts_at: datetime | None = None) -> Told:
        """What the platform tells about this very appointment."""
        return Told(
            appointment_id=self.life.id,
            method="UpdateAppointment",
            created_at=self.at,
            starts_at=starts_at or self.starts_at,
            status=status,
            rpps=self.rpps,
            category="CPTS",
        )


def booked(life: Life) -> Booked:
    """A demand accepted in time by the CPTS that was asked."""
    at = life.at + min(MINUTE * life.random.randrange(2, 50), (life.answer_by - life.at) / 2)
    room_minutes = int((life.see_by - at) / MINUTE)
    start = at + MINUTE * life.random.randrange(min(10, room_minutes - 1), room_minutes)
    starts_at = start.replace(second=0) + (MINUTE if start.second else timedelta())
    starts_at = min(starts_at, life.see_by)
    rpps = life.member().rpps
    drafts = (life.demand(), life.accept(at, starts_at, rpps))
    return Booked(life=life, drafts=drafts, at=at, starts_at=starts_at, rpps=rpps)


def _honoured(life: Life) -> list[Draft]:
    made = booked(life)
    return made.then(life.order("honoured", made.starts_at + 30 * MINUTE))


def _left_booked(life: Life) -> list[Draft]:
    return booked(life).then()


def _no_show(life: Life) -> list[Draft]:
    made = booked(life)
    return made.then(life.order("no-show", made.starts_at + 25 * MINUTE))


def _corrected(life: Life) -> list[Draft]:
    made = booked(life)
    return made.then(
        life.order("no-show", made.starts_at + 25 * MINUTE),
        life.order("honoured", made.starts_at + 90 * MINUTE),
        life.order("honoured", made.starts_at + 95 * MINUTE, key="honoured-again"),
        life.order("cancel", made.starts_at + 100 * MINUTE, {"by": "cpts"}),
    )


def _cancelled(life: Life) -> list[Draft]:
    made = booked(life)
    at = made.at + (made.starts_at - made.at) / 2
    by = life.random.choice(("patient", "practitioner", "cpts", "regulation"))
    cancel = life.order("cancel", at, {"by": by})
    return made.then(cancel, life.order("honoured", made.starts_at + 30 * MINUTE))


def _moved(life: Life) -> list[Draft]:
    made = booked(life)
    at = made.at + (made.starts_at - made.at) / 3
    later = made.starts_at + MINUTE * life.random.randrange(15, 26 * 60)
    body = {"starts_at": later.isoformat()}
    if life.random.random() < 0.5:
        body |= {"practitioner_rpps": life.member().rpps}
    early = life.order("honoured", at + MINUTE / 2, key="too-early")
    return made.then(
        life.order("move", at, body), early, life.order("honoured", later + 30 * MINUTE)
    )


def _moved_wrongly(life: Life) -> list[Draft]:
    made = booked(life)
    at = made.at + (made.starts_at - made.at) / 3
    past = (at - 30 * MINUTE).isoformat()
    return made.then(
        life.order("move", at, {}, key="move-nothing"),
        life.order("move", at, {"practitioner_rpps": STRANGER_RPPS}, key="move-stranger"),
        life.order("move", at, {"starts_at": past}, key="move-past"),
        life.order("cancel", at, {"by": "nobody"}, key="cancel-nobody"),
    )


def _returned_after_booking(life: Life) -> list[Draft]:
    made = booked(life)
    at = made.at + (made.starts_at - made.at) / 2
    return made.then(
        life.order("return", at, {"reason": "practitioner_unavailable"}),
        life.order("return", at, {"reason": "by_cpts"}, key="return-again"),
    )


def _told_by_the_platform(life: Life) -> list[Draft]:
    made = booked(life)
    status = life.random.choice(("fulfilled", "noshow", "cancelled"))
    at = made.starts_at + 40 * MINUTE
    if status == "cancelled":
        at = made.at + (made.starts_at - made.at) / 2
    name = f"{life.source_id}-{status}"
    return made.then(hub.message(made.told(status), at=at, name=name, lane=life.id))


def _moved_by_the_platform(life: Life) -> list[Draft]:
    made = booked(life)
    at = made.at + (made.starts_at - made.at) / 2
    told = made.told("booked", starts_at=made.starts_at + 45 * MINUTE)
    return made.then(
        hub.message(told, at=at, name=f"{life.source_id}-moved", lane=life.id),
        life.order("honoured", made.starts_at + 75 * MINUTE),
    )


def _told_too_late(life: Life) -> list[Draft]:
    """A stale message changes nothing, and a creation of what is ours is refused (701)."""
    made = booked(life)
    at = made.starts_at + 40 * MINUTE
    name = f"{life.source_id}-stale"
    creation = msgspec.structs.replace(made.told("booked"), method="CreateAppointment")
    return made.then(
        life.order("honoured", made.starts_at + 30 * MINUTE),
        hub.message(
            made.told("cancelled"), at=at, sent_at=made.at - MINUTE, name=name, lane=life.id
        ),
        hub.message(creation, at=at + MINUTE, name=f"{life.source_id}-creation", lane=life.id),
    )


def _twin(life: Life, *, is_cancelled: bool) -> list[Draft]:
    """The platform tells of the same hour of the same practitioner under an id of its own."""
    made = booked(life)
    told = Told(
        appointment_id=f"jumeau-{life.source_id}",
        created_at=made.at,
        starts_at=made.starts_at,
        rpps=made.rpps,
        category="CPTS",
    )
    at = made.at + (made.starts_at - made.at) / 4
    drafts = made.then(hub.message(told, at=at, name=f"{life.source_id}-twin", lane=life.id))
    if is_cancelled:
        cancel = life.order("cancel", at + (made.starts_at - at) / 2, {"by": "patient"})
        return [*drafts, cancel]
    return [*drafts, life.order("honoured", made.starts_at + 30 * MINUTE)]


def _declined(life: Life) -> list[Draft]:
    at = life.at + (life.answer_by - life.at) / 3
    reason = life.random.choice(DECLINE_REASONS)
    return [
        life.demand(),
        life.decline(at, "no_reason_of_the_list", key="decline-unknown"),
        life.decline(at + MINUTE / 2, reason),
    ]


def _expired(life: Life) -> list[Draft]:
    return [life.demand()]


def _answered_at_the_limit(life: Life) -> list[Draft]:
    at = life.answer_by
    rpps = life.member().rpps
    return [
        life.demand(),
        life.accept(at, at + MINUTE, rpps),
        life.decline(at, "no_availability"),
        life.order("return", at, {"reason": "by_cpts"}),
    ]


def _answered_after_the_timer(life: Life) -> list[Draft]:
    at = life.answer_by + 20 * MINUTE
    late = life.accept(at, at + MINUTE, life.member().rpps)
    return [life.demand(), late]


def _returned_by_regulation(life: Life) -> list[Draft]:
    at = life.at + (life.answer_by - life.at) / 2
    return [
        life.demand(),
        life.order("return", at, {"reason": "no_reason_of_the_list"}, key="return-unknown"),
        life.order("return", at, {"reason": "by_regulation"}, role="regulation"),
        life.decline(at + MINUTE, "no_availability"),
    ]


def _accepted_wrongly_first(life: Life) -> list[Draft]:
    made = booked(life)
    demand, accept = made.drafts
    step = (made.at - life.at) / 8
    wrong = [
        life.accept(life.at + step, made.starts_at, STRANGER_RPPS, key="stranger"),
        life.accept(
            life.at + 2 * step, made.starts_at, made.rpps, cpts=life.other, key="other-cpts"
        ),
        life.accept(life.at + 3 * step, life.at - MINUTE, made.rpps, key="past"),
        life.accept(life.at + 4 * step, life.see_by + MINUTE, made.rpps, key="after-see-by"),
        life.order("honoured", life.at + 5 * step, key="no-appointment"),
    ]
    again = life.accept(made.at + MINUTE / 4, made.starts_at, made.rpps, key="accept-again")
    late_no = life.decline(made.at + MINUTE / 3, "no_availability")
    honoured = life.order("honoured", made.starts_at + 30 * MINUTE)
    return [demand, *wrong, accept, again, late_no, honoured]


def _sent_twice(life: Life) -> list[Draft]:
    """The same order with the same key, the same demand under another key, then another content."""
    made = booked(life)
    demand, accept = made.drafts
    step = (made.at - life.at) / 8
    other_need = life.body() | {"need": "sage_femme", "urgency": "within_48h"}
    if life.body()["need"] == "sage_femme":
        other_need["need"] = "soins_dentaires"
    changed = msgspec.structs.replace(
        life.demand(at=life.at + 3 * step, key="changed"), body=other_need
    )
    reused = msgspec.structs.replace(life.demand(at=life.at + 4 * step), body=other_need)
    return [
        demand,
        life.demand(at=life.at + step),
        life.demand(at=life.at + 2 * step, key="again"),
        changed,
        reused,
        accept,
        msgspec.structs.replace(accept, at=accept.at + MINUTE / 4),
        life.order("honoured", made.starts_at + 30 * MINUTE),
    ]


ENDINGS: tuple[tuple[str, int, Callable[[Life], list[Draft]]], ...] = (
    ("honoured", 420, _honoured),
    ("left booked", 70, _left_booked),
    ("no-show", 50, _no_show),
    ("corrected", 10, _corrected),
    ("cancelled", 50, _cancelled),
    ("moved", 40, _moved),
    ("moved wrongly", 5, _moved_wrongly),
    ("returned after booking", 15, _returned_after_booking),
    ("told by the platform", 40, _told_by_the_platform),
    ("moved by the platform", 15, _moved_by_the_platform),
    ("told too late", 8, _told_too_late),
    ("twin", 15, lambda life: _twin(life, is_cancelled=False)),
    ("twin of a cancelled one", 8, lambda life: _twin(life, is_cancelled=True)),
    ("declined", 80, _declined),
    ("expired", 80, _expired),
    ("answered at the limit", 8, _answered_at_the_limit),
    ("answered after the timer", 8, _answered_after_the_timer),
    ("returned by regulation", 20, _returned_by_regulation),
    ("accepted wrongly first", 15, _accepted_wrongly_first),
    ("sent twice", 15, _sent_twice),
)
