"""The oracle's half about how a CPTS comes to be: its lettres d'intention, its projets de santé,
the two months of silence that validate one (CSP, L. 1434-12), the stage that it has reached.

Written from the rules; shares no code with the services.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from deploy.local.demo.oracle_aci import MISSIONS, Aci
from deploy.local.demo.oracle_deadlines import months_after
from deploy.local.demo.oracle_registers import resolve

GROUNDS = {"prs_not_respected", "territory_not_relevant"}
SILENCE_MONTHS = 2
DAY = timedelta(days=1)
Body = dict[str, Any]


@dataclass
class Lettre:
    """A lettre d'intention as it was last told, and the day on which it was validated."""

    body: Body
    validated_on: date | None = None


@dataclass
class Projet:
    """A projet de santé, and what the ARS, or its silence, made of it."""

    sent_on: date
    outcome: str = "pending"
    decided_on: date | None = None
    is_tacit: bool = False
    grounds: tuple[str, ...] = ()

    @property
    def silence_ends_on(self) -> date:
        """The last day on which the ARS may object."""
        return months_after(self.sent_on, SILENCE_MONTHS)

    def decide(self, outcome: str, day: date, grounds: tuple[str, ...] = ()) -> None:
        """What the ARS decided on a day."""
        self.outcome, self.decided_on, self.grounds = outcome, day, grounds


@dataclass
class Founding:
    """The lettres and the projets of a CPTS, by id."""

    lettres: dict[str, Lettre] = field(default_factory=dict)
    projets: dict[str, Projet] = field(default_factory=dict)

    def order(self, role: str, parts: list[str], body: Body, today: date) -> str:
        """The outcome of an order on one of them."""
        self.let_pass(today)
        kind, id_, *verb = parts
        if kind == "lettres-intention":
            return self._validate(role, id_, body) if verb else self._tell(role, id_, body)
        if not verb:
            return self._send(role, id_, body, today)
        if verb == ["withdrawal"]:
            return self._withdraw(role, id_, today)
        if role != "ars":
            return "role_not_allowed"
        return self._decide(id_, tuple(body.get("grounds", ())), today)

    def let_pass(self, today: date) -> None:
        """Silence validates a projet on the day after the last one to object."""
        for one in self.projets.values():
            if one.outcome == "pending" and one.silence_ends_on < today:
                one.decide("validated", one.silence_ends_on + DAY)
                one.is_tacit = True

    # -- lettres d'intention

    def _tell(self, role: str, id_: str, body: Body) -> str:
        present = self.lettres.get(id_)
        if present is not None and present.body == body:
            return "ok"
        if any(resolve(code) is None for code in body["communes"]):
            return "unknown_commune"
        if any(one["mission"] not in MISSIONS for one in body.get("calendar", ())):
            return "not_a_mission"
        validated_on = None if present is None else present.validated_on
        if validated_on and validated_on < date.fromisoformat(body["sent_on"]):
            return "day_before_it_was_sent"
        if role == "cpts" and validated_on:
            return "lettre_validated"
        self.lettres[id_] = Lettre(body, validated_on)
        return "ok"

    def _validate(self, role: str, id_: str, body: Body) -> str:
        if role == "cpts":
            return "role_not_allowed"
        present, day = self.lettres.get(id_), date.fromisoformat(body["validated_on"])
        if present is None:
            return "404"
        if day < date.fromisoformat(present.body["sent_on"]):
            return "day_before_it_was_sent"
        present.validated_on = day
        return "ok"

    # -- projets de santé

    def _send(self, role: str, id_: str, body: Body, today: date) -> str:
        decided = body.get("validated_on") or body.get("objected_on")
        if decided and role != "ars":
            return "role_not_allowed"
        sent = Projet(date.fromisoformat(body["sent_on"]))
        if id_ in self.projets:
            return "ok" if self.projets[id_].sent_on == sent.sent_on else "already_exists"
        if any(one.outcome == "pending" for one in self.projets.values()):
            return "projet_pending"
        if role == "cpts" and sent.silence_ends_on < today:
            return "silence_of_the_past"
        grounds = tuple(body.get("grounds", ()))
        refusal = _decided(sent, grounds, date.fromisoformat(decided)) if decided else None
        if refusal is None:
            self.projets[id_] = sent
        return refusal or "ok"

    def _decide(self, id_: str, grounds: tuple[str, ...], today: date) -> str:
        if id_ not in self.projets:
            return "404"
        one = self.projets[id_]
        if one.outcome != "pending":
            is_late = one.is_tacit and today > one.silence_ends_on
            return "silence_elapsed" if is_late else "projet_decided"
        return _decided(one, grounds, today) or "ok"

    def _withdraw(self, role: str, id_: str, today: date) -> str:
        if id_ not in self.projets:
            return "404"
        one = self.projets[id_]
        if role == "cpts" and one.outcome not in ("pending", "withdrawn"):
            is_late = one.is_tacit and today > one.silence_ends_on
            return "silence_elapsed" if is_late else "projet_decided"
        self.projets[id_] = Projet(one.sent_on, "withdrawn")
        return "ok"

    def lets_sign(self, day: date) -> bool:
        """Whether an ACI may be signed: with a validated projet, or where none was ever told."""
        known = [one for one in self.projets.values() if one.outcome != "withdrawn"]
        return not known or any(_is_validated(one, day) for one in known)

    def stage_on(self, day: date, acis: Iterable[Aci], merged_on: date | None) -> str:
        """How far the CPTS has come on a day."""
        if merged_on is not None and merged_on <= day:
            return "merged"
        if any(one.years and one.signed_on <= day <= one.years[-1].end for one in acis):
            return "aci"
        if any(_is_validated(one, day) for one in self.projets.values()):
            return "projet_de_sante"
        lettres = [one.validated_on for one in self.lettres.values()]
        return "lettre_intention" if any(one and one <= day for one in lettres) else "emergence"


def _is_validated(one: Projet, day: date) -> bool:
    return one.outcome == "validated" and one.decided_on is not None and one.decided_on <= day


def _decided(one: Projet, grounds: tuple[str, ...], day: date) -> str | None:
    """Why a projet cannot be decided upon on a day; it is, when nothing is against it."""
    if not {*grounds} <= GROUNDS:
        return "unknown_ground"
    if day < one.sent_on:
        return "day_before_it_was_sent"
    if day > one.silence_ends_on:
        return "silence_elapsed"
    one.decide("objected" if grounds else "validated", day, grounds)
    return None
