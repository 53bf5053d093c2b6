"""A demand of the demo and the orders that can be given about it, up to its appointment.

Each life is a short story of orders. What comes of them is not decided here: the oracle says it.
"""

import hashlib
from datetime import datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from contracts.departements import by_code, departement_of_commune
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
        cpts: Cpts | None = None,
        key: str = "",
    ) -> Draft:
        """An order about the referral, in the role of a CPTS by the one that is asked unless it is
        said.
        """
        path = f"/referrals/{self.id}/{verb}"
        by = (cpts or self._cpts()).cpts_id if role == "cpts" else None
        return self._draft(path, at, body or {}, role, key or verb, by)

    def _draft(
        self, path: str, at: datetime, body: Any, role: str, key: str, by: str | None = None
    ) -> Draft:
        return Draft(
            at=at,
            service="referrals",
            path=path,
            role=role,
            acting_cpts=by,
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
        role: str = "cpts",
        key: str = "accept",
    ) -> Draft:
        """The CPTS's yes with an appointment, given by itself or in its name."""
        body = {
            "cpts_id": (cpts or self._cpts()).cpts_id,
            "practitioner_rpps": rpps,
            "starts_at": starts_at.isoformat(),
        }
        return self.order("accept", at, body, role=role, cpts=cpts, key=key)

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
    # The midnight that ends the day is too late; the 48th hour is not, but nobody needs it here.
    starts_at = min(starts_at, life.see_by - MINUTE)
    rpps = life.member().rpps
    drafts = (life.demand(), life.accept(at, starts_at, rpps))
    return Booked(life=life, drafts=drafts, at=at, starts_at=starts_at, rpps=rpps)
