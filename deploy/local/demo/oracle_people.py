"""The oracle's half about people: members of a CPTS, by themselves or through a structure of it,
and their participation in the SAS.

Written from the rules; shares no code with the services.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from deploy.local.demo.oracle_registers import professions

WAYS = {"own_office", "cpts", "msp", "sos"}
# Teams need be no legal entity: they may have no number.
TEAMS = {"esp", "ess"}
STRUCTURES = TEAMS | {
    *("msp", "cds", "etablissement_de_sante", "esms", "structure_sociale"),
    *("collectivite_territoriale", "association_de_patients"),
}
NUMBERS = ("finess", "siret", "rna")
Body = dict[str, Any]


@dataclass
class Person:
    """A membership, `through` a structure or none; or a participation (then with its way)."""

    rpps: str
    from_on: date
    to_on: date | None
    profession: str = ""
    way: str = ""
    through: str = ""


def is_on(day: date, from_on: date, to_on: date | None) -> bool:
    """Whether a day is in a period, its last day included."""
    return from_on <= day and (to_on is None or day <= to_on)


def period(body: Body) -> tuple[date, date | None]:
    """The first and the last day that an order tells."""
    to_on = body.get("to_on")
    return date.fromisoformat(body["from_on"]), date.fromisoformat(to_on) if to_on else None


def is_backwards(body: Body) -> bool:
    """Whether an order tells of a period that ends before it starts."""
    from_on, to_on = period(body)
    return to_on is not None and to_on < from_on


def member(members: dict[str, Person], body: Body) -> str:
    """The outcome of an order that makes somebody a member by themselves."""
    person = _person(body)
    refusal = _person_refusal(body)
    if refusal is not None:
        return refusal
    if _is_there(person, [one for one in members.values() if not one.through]):
        return "member_overlap"
    members[body["member_id"]] = person
    return "ok"


def participation(participations: dict[str, Person], body: Body) -> str:
    """The outcome of an order that tells how somebody takes part in the SAS."""
    if body["way"] not in WAYS:
        return "unknown_way"
    person = Person(body["rpps"], *period(body), way=body["way"])
    participations[body["participation_id"]] = person
    return "ok"


@dataclass
class Structures:
    """The structures of a CPTS and those who work in them, by id, as they were last told."""

    told: dict[str, Body] = field(default_factory=dict)
    workers: dict[str, tuple[str, Body]] = field(default_factory=dict)

    def order(self, members: dict[str, Person], parts: list[str], body: Body) -> str:
        """The outcome of an order on a structure, or on one who works in it; whoever works there
        is a member on the days of both.
        """
        structure_id, *worker = parts
        outcome = self._work(structure_id, worker[1], body) if worker else self._tell(parts, body)
        if outcome == "ok":
            self._follow(structure_id, members)
        return outcome

    def move(self, members: dict[str, Person], structure_id: str, on: date) -> "Moved | None":
        """End a structure on the eve of a day; it, and who works in it, as they go on there."""
        structure = self.told[structure_id]
        if structure.get("is_withdrawn") or _last(structure) < on:
            return None
        workers = [
            (worker_id, _begun(body, on))
            for worker_id, (where, body) in self.workers.items()
            if where == structure_id and not body.get("is_withdrawn") and _last(body) >= on
        ]
        moved = Moved(_begun(structure, on), workers)
        self.told[structure_id] = _ended(structure, on)
        self._follow(structure_id, members)
        return moved

    def take(self, members: dict[str, Person], structure_id: str, moved: "Moved") -> None:
        """Begin a structure that came from another CPTS, under the id that says whence."""
        self.told[structure_id] = moved.structure
        for worker_id, body in moved.workers:
            self.workers[worker_id] = (structure_id, body)
        self._follow(structure_id, members)

    def _tell(self, parts: list[str], body: Body) -> str:
        if body["kind"] not in STRUCTURES:
            return "unknown_kind"
        if body["kind"] not in TEAMS and not any(body.get(name) for name in NUMBERS):
            return "number_needed"
        if is_backwards(body):
            return "period_ends_before_it_starts"
        self.told[parts[0]] = body
        return "ok"

    def _work(self, structure_id: str, worker_id: str, body: Body) -> str:
        if structure_id not in self.told:
            return "404"
        before = self.workers.get(worker_id)
        if before is not None and (before[0], before[1]["rpps"]) != (structure_id, body["rpps"]):
            return "already_exists"
        if not body.get("is_withdrawn"):
            refusal = _person_refusal(body)
            if refusal is not None:
                return refusal
            others = [
                _person(told)
                for id_, (where, told) in self.workers.items()
                if where == structure_id and id_ != worker_id and not told.get("is_withdrawn")
            ]
            if _is_there(_person(body), others):
                return "member_overlap"
        self.workers[worker_id] = (structure_id, body)
        return "ok"

    def _follow(self, structure_id: str, members: dict[str, Person]) -> None:
        structure = self.told[structure_id]
        for worker_id, (where, body) in self.workers.items():
            if where != structure_id:
                continue
            id_ = f"{structure_id}:{worker_id}"
            person = _through(structure_id, body, structure)
            if person is None:
                members.pop(id_, None)
            else:
                members[id_] = person


@dataclass(frozen=True)
class Moved:
    """A structure that goes from one CPTS to another, and who works in it then."""

    structure: Body
    workers: list[tuple[str, Body]]


def _last(body: Body) -> date:
    return period(body)[1] or date.max


def _begun(body: Body, on: date) -> Body:
    return body | {"from_on": max(body["from_on"], on.isoformat())}


def _ended(body: Body, on: date) -> Body:
    if body["from_on"] >= on.isoformat():
        return body | {"is_withdrawn": True}
    return body | {"to_on": (on - timedelta(days=1)).isoformat()}


def _through(structure_id: str, body: Body, structure: Body) -> Person | None:
    """Who works in a structure as a member, if on any day."""
    if body.get("is_withdrawn") or structure.get("is_withdrawn"):
        return None
    person, (from_on, to_on) = _person(body), period(structure)
    person.through = structure_id
    person.from_on = max(person.from_on, from_on)
    person.to_on = min(person.to_on or date.max, to_on or date.max)
    if person.to_on < person.from_on:
        return None
    if person.to_on == date.max:
        person.to_on = None
    return person


def _person(body: Body) -> Person:
    return Person(body["rpps"], *period(body), profession=body["profession"])


def _person_refusal(body: Body) -> str | None:
    if body["profession"] not in professions():
        return "unknown_profession"
    if is_backwards(body):
        return "period_ends_before_it_starts"
    if not body.get("is_check_digit_overridden") and not has_right_digit(body["rpps"]):
        return "wrong_check_digit"
    return None


def _is_there(person: Person, others: Iterable[Person]) -> bool:
    """Whether the same person is among these on a day of theirs."""
    return any(
        one.rpps == person.rpps
        and one.from_on <= (person.to_on or date.max)
        and person.from_on <= (one.to_on or date.max)
        for one in others
    )


def has_right_digit(rpps: str) -> bool:
    """Luhn over the eleven digits after the prefix: every second one from the right is doubled."""
    digits = [int(digit) for digit in reversed(rpps[1:])]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[0::2]) + sum(doubled)) % 10 == 0
