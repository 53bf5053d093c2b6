"""How what the gateway keeps is told in FHIR: slots, agendas, professionals, places, CPTS.

| ours         | FHIR                                   | id     |
|--------------|----------------------------------------|--------|
| slot         | Slot                                   | its own |
| agenda       | Schedule, and PractitionerRole         | its own |
| professional | Practitioner                           | RPPS   |
| CPTS         | HealthcareService, and Organization    | FINESS |
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from contracts.events.gateway import Offer
from services.gateway.domain import naming, resources
from services.gateway.domain.agendas import SlotType
from services.gateway.domain.resources import (
    Bundle,
    BundleMeta,
    Concept,
    Entry,
    Extension,
    HealthcareService,
    Link,
    Location,
    Meta,
    Organization,
    Phone,
    Practitioner,
    PractitionerRole,
    Reference,
    Schedule,
    SearchMode,
    Slot,
    concept,
    national,
)
from services.gateway.domain.search import ACTOR, ORGANIZATION, SCHEDULE, SERVICE, Asked

PLACE = "lieu"
_MATCH, _INCLUDE = SearchMode(mode="match"), SearchMode(mode="include")


class ShownAgenda(msgspec.Struct, frozen=True, kw_only=True):
    """An agenda with what stands beside the log: whose it is, where, how it is reached."""

    agenda_id: str
    practitioner_rpps: str
    structure_number: str | None
    specialties: tuple[str, ...]
    time_zone: str
    family_name: str
    given_name: str
    address_line: str
    city: str
    postal_code: str
    phone: str | None
    booking_url: str | None


class ShownCpts(msgspec.Struct, frozen=True, kw_only=True):
    """A CPTS that has its FINESS."""

    cpts_id: str
    finess: str
    cpts_name: str
    phone: str | None = None


class ShownSlot(msgspec.Struct, frozen=True, kw_only=True):
    """A free slot."""

    slot_id: str
    agenda_id: str
    starts_at: datetime
    ends_at: datetime
    offer: Offer


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """A professional belongs to a CPTS from a day to a day, both included."""

    rpps: str
    cpts_id: str
    from_on: date
    to_on: date | None

    def covers(self, day: date) -> bool:
        """Whether it holds on a day."""
        return self.from_on <= day and (self.to_on is None or day <= self.to_on)


def types_in(offer: Offer, *, is_cpts: bool) -> tuple[str, ...]:
    """For whom a slot is, in a flow: that of professionals does not know CPTS."""
    types = offer.slot_types
    return types if is_cpts else tuple(one for one in types if one != SlotType.CPTS)


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What the slots of an agenda and an offer have in common, in a flow."""

    meta: Meta
    service_type: tuple[Concept, ...]
    specialty: tuple[Concept, ...]
    appointment_type: Concept
    schedule: Reference
    comment: str


def shape_of(
    agenda: ShownAgenda, offer: Offer, cpts: Sequence[ShownCpts], *, is_cpts: bool
) -> Shape | None:
    """What the slots have in common; None when the flow has nothing to say of them.

    `cpts` are those of the offer to which the professional belongs and whose FINESS is known.
    """
    types = types_in(offer, is_cpts=is_cpts)
    if is_cpts and SlotType.CPTS in types and not cpts:
        types = tuple(one for one in types if one != SlotType.CPTS)
    if not types:
        return None
    profile = naming.CPTS_SLOT_PROFILE if is_cpts else naming.SLOT_PROFILE
    marked = [_marked(one.finess) for one in cpts] if is_cpts else []
    return Shape(
        meta=Meta(
            profile=(profile,),
            security=tuple(resources.Coding(system=naming.SLOT_TYPES, code=one) for one in types),
        ),
        service_type=(
            *(concept(naming.CONSULTATIONS, one) for one in offer.consultations),
            *marked,
        ),
        specialty=tuple(concept(naming.SPECIALTIES, one) for one in agenda.specialties),
        appointment_type=concept(
            naming.APPOINTMENT_TYPES, "WALKIN" if offer.is_walk_in else "ROUTINE"
        ),
        schedule=Reference(reference=f"Schedule/{agenda.agenda_id}"),
        comment=agenda.booking_url or "",
    )


@lru_cache(maxsize=4096)
def _marked(finess: str) -> Concept:
    """The marker of a CPTS: one service type a CPTS."""
    at = Reference(reference=f"HealthcareService/{finess}")
    return Concept(
        extension=(Extension(url=naming.SERVICE_TYPE_EXTENSION, value_reference=at),),
        coding=(resources.Coding(system=naming.STRUCTURE_KINDS, code=naming.CPTS_KIND),),
    )


def slot_in(shape: Shape, slot: ShownSlot, zone: ZoneInfo) -> Slot:
    """A slot, told in the local time of its agenda."""
    return Slot(
        id=slot.slot_id,
        meta=shape.meta,
        service_type=shape.service_type,
        specialty=shape.specialty,
        appointment_type=shape.appointment_type,
        schedule=shape.schedule,
        status="free",
        start=slot.starts_at.astimezone(zone).isoformat(timespec="milliseconds"),
        end=slot.ends_at.astimezone(zone).isoformat(timespec="milliseconds"),
        comment=shape.comment,
    )


def schedule(agenda: ShownAgenda) -> Schedule:
    """An agenda: the professional and the place."""
    return Schedule(
        id=agenda.agenda_id,
        meta=Meta(profile=(naming.SCHEDULE_PROFILE,)),
        actor=(
            Reference(reference=f"Practitioner/{agenda.practitioner_rpps}"),
            Reference(reference=f"PractitionerRole/{agenda.agenda_id}"),
        ),
    )


def practitioner(agenda: ShownAgenda) -> Practitioner:
    """The professional whose agenda it is."""
    rpps = agenda.practitioner_rpps
    return Practitioner(
        id=rpps,
        meta=Meta(profile=(naming.PRACTITIONER_PROFILE,)),
        identifier=(national(naming.IDNPS, naming.IDNPS_SYSTEM, rpps),),
        name=(resources.Name(family=agenda.family_name, given=(agenda.given_name,)),),
    )


def role(agenda: ShownAgenda) -> PractitionerRole:
    """The professional at the place of the agenda."""
    place = Location(
        id=PLACE,
        meta=Meta(profile=(naming.LOCATION_PROFILE,)),
        identifier=(
            national(
                naming.INTRN,
                naming.OUR_PLACES,
                agenda.agenda_id,
                naming.LOCATION_IDENTIFIER_TYPES,
            ),
        ),
        address=resources.Address(
            line=(agenda.address_line,), city=agenda.city, postal_code=agenda.postal_code
        ),
    )
    structure = agenda.structure_number
    return PractitionerRole(
        id=agenda.agenda_id,
        meta=Meta(profile=(naming.ROLE_PROFILE,)),
        contained=(place,),
        practitioner=Reference(reference=f"Practitioner/{agenda.practitioner_rpps}"),
        organization=None
        if structure is None
        else resources.Identified(
            identifier=national(naming.IDNST, naming.IDNST_SYSTEM, structure)
        ),
        location=(Reference(reference=f"#{PLACE}"),),
        telecom=(Phone(value=agenda.phone),) if agenda.phone else (),
    )


def service(cpts: ShownCpts) -> HealthcareService:
    """That slots are of the CPTS."""
    return HealthcareService(
        id=cpts.finess,
        meta=Meta(profile=(naming.SERVICE_PROFILE,)),
        provided_by=Reference(reference=f"Organization/{cpts.finess}"),
    )


def organization(cpts: ShownCpts) -> Organization:
    """The CPTS. The package 1.1.0 has its identifier's type in the code system of places (D1)."""
    types = naming.LOCATION_IDENTIFIER_TYPES
    return Organization(
        id=cpts.finess,
        meta=Meta(profile=(naming.ORGANIZATION_PROFILE,)),
        identifier=(national(naming.IDNST, naming.IDNST_SYSTEM, cpts.finess, types),),
        name=cpts.cpts_name,
        telecom=(Phone(value=cpts.phone),) if cpts.phone else (),
    )


def bundle(
    asked: Asked,
    slots: Iterable[ShownSlot],
    agendas: Mapping[str, ShownAgenda],
    cpts: Mapping[str, ShownCpts],
    memberships: Sequence[Membership],
    *,
    base: str,
    self_url: str,
) -> Bundle:
    """The answer to a search, slots first, then what the includes ask for."""
    shapes: dict[tuple[str, Offer, date | None], Shape | None] = {}
    matches: list[Entry] = []
    used_agendas: dict[str, ShownAgenda] = {}
    used_cpts: dict[str, ShownCpts] = {}
    zones = {one.time_zone: ZoneInfo(one.time_zone) for one in agendas.values()}
    for slot in slots:
        agenda = agendas.get(slot.agenda_id)
        if agenda is None:
            continue
        zone = zones[agenda.time_zone]
        day = slot.starts_at.astimezone(zone).date() if slot.offer.cpts_ids else None
        key = (slot.agenda_id, slot.offer, day)
        if key not in shapes:
            own = own_cpts(slot.offer, agenda.practitioner_rpps, day, cpts, memberships)
            shapes[key] = shape_of(agenda, slot.offer, own, is_cpts=asked.is_cpts)
            if asked.is_cpts:
                used_cpts |= {one.finess: one for one in own}
        shape = shapes[key]
        if shape is None:
            continue
        used_agendas[slot.agenda_id] = agenda
        url = f"{base}/Slot/{slot.slot_id}"
        matches.append(Entry(full_url=url, resource=slot_in(shape, slot, zone), search=_MATCH))
    entries = (*matches, *_included(asked, used_agendas, used_cpts, base))
    # Its profile asks for slots, and for whom and where: without these it is no Bundle of CPTS.
    is_cpts = asked.is_cpts and {SCHEDULE, ACTOR} <= asked.includes and bool(matches)
    profile = naming.CPTS_BUNDLE_PROFILE if is_cpts else naming.BUNDLE_PROFILE
    return Bundle(
        meta=BundleMeta(profile=(profile,)),
        type="searchset",
        total=len(matches),
        link=(Link(url=self_url),),
        entry=entries,
    )


def own_cpts(
    offer: Offer,
    rpps: str,
    day: date | None,
    cpts: Mapping[str, ShownCpts],
    memberships: Sequence[Membership],
) -> list[ShownCpts]:
    """The CPTS of an offer to which the professional belongs that day and whose FINESS is known."""
    if day is None:
        return []
    members = {one.cpts_id for one in memberships if one.rpps == rpps and one.covers(day)}
    return [cpts[one] for one in offer.cpts_ids if one in members and one in cpts]


def _included(
    asked: Asked, agendas: Mapping[str, ShownAgenda], cpts: Mapping[str, ShownCpts], base: str
) -> Iterable[Entry]:
    """What comes along: agendas, then who has them and where, then the CPTS."""
    along: list[Schedule | Practitioner | PractitionerRole | HealthcareService | Organization] = []
    if SCHEDULE in asked.includes:
        along += [schedule(one) for one in agendas.values()]
        if ACTOR in asked.includes:
            people = {one.practitioner_rpps: one for one in agendas.values()}
            along += [practitioner(one) for one in people.values()]
            along += [role(one) for one in agendas.values()]
    if SERVICE in asked.includes:
        along += [service(one) for one in cpts.values()]
        if ORGANIZATION in asked.includes:
            along += [organization(one) for one in cpts.values()]
    for one in along:
        url = f"{base}/{type(one).__name__}/{one.id}"
        yield Entry(full_url=url, resource=one, search=_INCLUDE)
