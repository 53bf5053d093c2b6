"""The oracle's half about CPTS: territories, people, ACI with their missions and end, tailles.

Written from the rules; shares no code with the services.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from deploy.local.demo.oracle_aci import Aci, Mission, Year, end_refusal, mission_of
from deploy.local.demo.oracle_associations import Associations
from deploy.local.demo.oracle_deadlines import Deadlines, deadlines_of, let_pass
from deploy.local.demo.oracle_founding import Founding
from deploy.local.demo.oracle_people import (
    Person,
    Structures,
    is_on,
    member,
    participation,
    period,
)
from deploy.local.demo.oracle_registers import PARIS, Commune, resolve
from deploy.local.demo.orders import Order


def paris_day(instant: datetime) -> date:
    """The local day of an instant."""
    return instant.astimezone(PARIS).date()


def _overlap(a: "Place", b: "Place") -> bool:
    return (b.to_on is None or a.from_on <= b.to_on) and (a.to_on is None or b.from_on <= a.to_on)


@dataclass
class Place:
    """A place of a territory."""

    commune: Commune
    part: str | None
    population: int
    from_on: date
    to_on: date | None


@dataclass
class Cpts:
    """A CPTS; entries recorded by mistake are taken out. From `merged_on` on it is a part of
    another.
    """

    finess: str | None
    departement: str
    places: dict[str, Place] = field(default_factory=dict)
    members: dict[str, Person] = field(default_factory=dict)
    participations: dict[str, Person] = field(default_factory=dict)
    structures: Structures = field(default_factory=Structures)
    founding: Founding = field(default_factory=Founding)
    associations: Associations = field(default_factory=Associations)
    acis: dict[str, Aci] = field(default_factory=dict)
    missions: dict[str, Mission] = field(default_factory=dict)
    tailles: dict[date, int] = field(default_factory=dict)
    deadlines: Deadlines = field(default_factory=dict)
    merged_on: date | None = None
    into_cpts_id: str = ""

    @property
    def contract_years(self) -> list[Year]:
        """The contract years of all its ACI, in order."""
        years = [year for aci in self.acis.values() for year in aci.years]
        return sorted(years, key=lambda year: year.start)

    @property
    def years(self) -> list[tuple[date, date]]:
        """Their first and last days."""
        return [(year.start, year.end) for year in self.contract_years]


class Contracts:
    """Everything that membership is told."""

    def __init__(self) -> None:
        self.cpts: dict[str, Cpts] = {}

    def order(self, order: Order) -> str:
        """The outcome of an order."""
        parts = order.path.strip("/").split("/")
        about = parts[1] if len(parts) > 1 else order.body.get("cpts_id")
        if order.role == "cpts" and order.acting_cpts != about:
            return "not_the_acting_cpts"
        if parts == ["cpts"]:
            return self._register(order.body)
        cpts = self.cpts[parts[1]]
        match parts[2]:
            case "associations" | "tools":
                return _named(cpts, parts[2], parts[3], order)
            case "missions" | "aci":
                return _contract(cpts, parts, order)
            case "lettres-intention" | "projets-de-sante":
                return cpts.founding.order(order.role, parts[2:], order.body, paris_day(order.at))
            case "structures":
                return cpts.structures.order(cpts.members, parts[3:], order.body)
            case "finess":
                return self._finess(cpts, order.body["finess"], is_corrected=order.method == "PUT")
        if order.method == "PUT":
            return self._correct(cpts, parts[2], parts[3], order)
        return self._entry(cpts, parts[2], order)

    def _entry(self, cpts: Cpts, kind: str, order: Order) -> str:
        """A new entry of a kind that is corrected by itself."""
        match kind:
            case "territory":
                return self._territory(cpts, order)
            case "members":
                return member(cpts.members, order.body)
            case "participations":
                return participation(cpts.participations, order.body)
        raise ValueError(f"the oracle knows no order {order.path}")

    def let_pass(self, today: date) -> None:
        """Let the deadlines of all missions, and the silence of the ARS, pass until a day."""
        for cpts in self.cpts.values():
            cpts.founding.let_pass(today)
            if cpts.merged_on is None:
                let_pass(cpts.deadlines, today)

    def _register(self, body: dict[str, Any]) -> str:
        seat = resolve(body["seat_commune"])
        if seat is None:
            return "unknown_commune"
        finess = body.get("finess")
        if finess is not None and self.with_finess(finess) is not None:
            return "finess_taken"
        self.cpts[body["cpts_id"]] = Cpts(finess, seat.departement)
        return "ok"

    def _finess(self, cpts: Cpts, finess: str, *, is_corrected: bool) -> str:
        if cpts.finess is not None and not is_corrected:
            return "finess_already_known"
        if cpts.finess == finess:
            return "ok"
        if self.with_finess(finess) is not None:
            return "finess_taken"
        cpts.finess = finess
        return "ok"

    def with_finess(self, finess: str) -> str | None:
        """The CPTS of a FINESS number, with or without its prefix `1`."""
        asked = finess if len(finess) == len("1") + 9 else f"1{finess}"
        return next((id_ for id_, cpts in self.cpts.items() if cpts.finess == asked), None)

    def whole_of(self, cpts_id: str, day: date) -> str:
        """The CPTS that one is, or is a part of, on a day."""
        cpts = self.cpts[cpts_id]
        if cpts.merged_on is None or day < cpts.merged_on:
            return cpts_id
        return self.whole_of(cpts.into_cpts_id, day)

    # -- territory

    def _territory(self, cpts: Cpts, order: Order) -> str:
        body = order.body
        commune = resolve(body["commune"])
        if commune is None:
            return "unknown_commune"
        from_on, to_on = period(body)
        if to_on is not None and to_on < from_on:
            return "period_ends_before_it_starts"
        part, population = body.get("part"), body.get("population")
        if part is not None and population is None:
            return "population_needed"
        if part is None and population is not None:
            return "population_not_allowed"
        place = Place(commune, part, population or commune.population or 0, from_on, to_on)
        refusal = self._place_refusal(place)
        if refusal is not None:
            return refusal
        cpts.places[body["entry_id"]] = place
        determine_tailles(cpts, after=paris_day(order.at))
        return "ok"

    def _place_refusal(self, place: Place) -> str | None:
        others = [
            other
            for cpts in self.cpts.values()
            for other in cpts.places.values()
            if other.commune.code == place.commune.code and _overlap(place, other)
        ]
        if any(None in (place.part, other.part) or place.part == other.part for other in others):
            return "place_taken"
        declared = place.population + sum(other.population for other in others)
        if place.part is not None and declared > (place.commune.population or declared):
            return "parts_exceed_commune"
        return None

    def holder(self, commune: Commune, part: str | None, day: date) -> str | None:
        """The CPTS that holds a place on a day."""
        for cpts_id, cpts in self.cpts.items():
            for place in cpts.places.values():
                is_there = place.commune.code in (commune.code, commune.city)
                if (
                    is_there
                    and place.part in (None, part)
                    and is_on(day, place.from_on, place.to_on)
                ):
                    return cpts_id
        return None

    def needs_part(self, commune: Commune, part: str | None, day: date) -> bool:
        """Whether a place is held only in parts, or a city in arrondissements, that it is not."""
        if self.holder(commune, part, day) is not None:
            return False
        if any(place.commune.city == commune.code for place in self._places_on(day)):
            return True
        if self.parts_on(commune, day):
            return True
        return part is None and any(
            place.commune.code == commune.city for place in self._places_on(day)
        )

    def parts_on(self, commune: Commune, day: date) -> set[str]:
        """The parts of a commune that territories name on a day."""
        places = [place for place in self._places_on(day) if place.commune.code == commune.code]
        return {place.part for place in places if place.part is not None}

    def _places_on(self, day: date) -> list[Place]:
        return [
            place
            for cpts in self.cpts.values()
            for place in cpts.places.values()
            if is_on(day, place.from_on, place.to_on)
        ]

    # -- people

    def _correct(self, cpts: Cpts, kind: str, entry_id: str, order: Order) -> str:
        """Other dates for an entry of whatever kind, or its withdrawal."""
        entries: dict[str, Any] = getattr(cpts, {"territory": "places"}.get(kind, kind))
        if kind == "members" and entries[entry_id].through:
            return "belongs_through_structure"
        if order.body.get("is_withdrawn"):
            del entries[entry_id]
        else:
            entries[entry_id].from_on, entries[entry_id].to_on = period(order.body)
        determine_tailles(cpts, after=paris_day(order.at))
        return "ok"

    def members_of(self, cpts_id: str) -> list[Person]:
        """The memberships of a CPTS as they are known now."""
        return list(self.cpts[cpts_id].members.values())

    def memberships_on(self, rpps: str, day: date) -> list[tuple[str, Person]]:
        """The CPTS of which a professional is a member on a day: oldest, then smallest id first."""
        found: dict[str, Person] = {}
        for cpts_id, cpts in self.cpts.items():
            for person in cpts.members.values():
                if person.rpps == rpps and is_on(day, person.from_on, person.to_on):
                    oldest = found.get(cpts_id, person)
                    found[cpts_id] = min(person, oldest, key=lambda one: one.from_on)
        return sorted(found.items(), key=lambda pair: (pair[1].from_on, pair[0]))

    def participations(self) -> Iterator[tuple[str, Person]]:
        """Every participation, with the CPTS that declared it."""
        for cpts_id, cpts in self.cpts.items():
            for one in cpts.participations.values():
                yield cpts_id, one


def _named(cpts: Cpts, kind: str, id_: str, order: Order) -> str:
    """The outcome of an order on an association or a tool."""
    if order.role == "regulation":
        return "role_not_allowed"
    if kind == "tools":
        return cpts.associations.choose(cpts.merged_on, id_, order.body)
    return cpts.associations.tell(cpts.departement, id_, order.body)


def _contract(cpts: Cpts, parts: list[str], order: Order) -> str:
    """The outcome of an order on ACI or missions, and the deadlines that follow."""
    let_pass(cpts.deadlines, paris_day(order.at))
    cpts.founding.let_pass(paris_day(order.at))
    if parts[2] == "missions":
        outcome = _mission(cpts, parts[3], order.body)
    elif len(parts) == len(("cpts", "id", "aci")):
        outcome = _aci(cpts, order.body)
    else:
        outcome = _end(cpts, parts[3], order.body)
    cpts.deadlines = deadlines_of(cpts.deadlines, cpts.acis, cpts.missions.values())
    return outcome


def _aci(cpts: Cpts, body: dict[str, Any]) -> str:
    aci = Aci(
        signed_on=date.fromisoformat(body["signed_on"]),
        starts_on=date.fromisoformat(body["starts_on"]),
        count=body.get("years", 5),
    )
    if not cpts.founding.lets_sign(aci.signed_on):
        return "projet_not_validated"
    first_on, last_on = aci.starts_on, aci.years[-1].end
    if any(first_on <= end and start <= last_on for start, end in cpts.years):
        return "aci_in_force"
    if not any(is_on(first_on, one.from_on, one.to_on) for one in cpts.places.values()):
        return "territory_empty"
    cpts.acis[body["aci_id"]] = aci
    for year in aci.years:
        cpts.tailles.setdefault(year.start, _taille_on(cpts, year.start))
    return "ok"


def _end(cpts: Cpts, aci_id: str, body: dict[str, Any]) -> str:
    aci = cpts.acis[aci_id]
    refusal = end_refusal(aci, body)
    if refusal is None:
        cpts.acis[aci_id] = replace(aci, ended_on=date.fromisoformat(body["ended_on"]))
    return refusal or "ok"


def _mission(cpts: Cpts, mission_id: str, body: dict[str, Any]) -> str:
    """A mission that started, as it is from now on; recorded by mistake, it is taken out."""
    if body.get("is_withdrawn"):
        del cpts.missions[mission_id]
        return "ok"
    others = [one for id_, one in cpts.missions.items() if id_ != mission_id]
    found = mission_of(body, others, cpts.years)
    if isinstance(found, Mission):
        cpts.missions[mission_id] = found
        return "ok"
    return found


def determine_tailles(cpts: Cpts, *, after: date) -> None:
    """Set the taille of contract years that begin after a day, by the population at their start."""
    for start, _ in cpts.years:
        if start > after:
            cpts.tailles[start] = _taille_on(cpts, start)


def _taille_on(cpts: Cpts, day: date) -> int:
    places = [one for one in cpts.places.values() if is_on(day, one.from_on, one.to_on)]
    population = sum(place.population for place in places)
    if population < 40_000:
        return 1
    if population < 80_000:
        return 2
    return 3 if population <= 175_000 else 4
