"""The FHIR resources that the doors serve: plain structs, written at the speed of msgspec.

An element that is empty is left out. What is alike in the slots of an agenda is made once.
"""

from typing import Any

import msgspec

from services.gateway.domain import naming


class Coding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A code of a system."""

    system: str
    code: str


class Reference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where another resource is."""

    reference: str


class Extension(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An extension whose value is a reference."""

    url: str
    value_reference: Reference


class Concept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A CodeableConcept."""

    extension: tuple[Extension, ...] = ()
    coding: tuple[Coding, ...] = ()


class Identifier(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An identifier with its type."""

    type: Concept
    system: str
    value: str


class Meta(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The one profile of a resource, and for a slot its types."""

    profile: tuple[str, ...]
    security: tuple[Coding, ...] = ()


class Phone(msgspec.Struct, frozen=True, kw_only=True):
    """A telephone number, `+33…`."""

    value: str
    system: str = "phone"


class Name(msgspec.Struct, frozen=True, kw_only=True):
    """The name of a professional."""

    family: str
    given: tuple[str, ...]


class Address(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a place is."""

    line: tuple[str, ...]
    city: str
    postal_code: str


class Identified(msgspec.Struct, frozen=True, kw_only=True):
    """What is named by an identifier alone."""

    identifier: Identifier


class _Resource(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename="camel",
    tag_field="resourceType",
):
    """What all resources have."""

    id: str
    meta: Meta


class Slot(_Resource, frozen=True, kw_only=True, tag="Slot"):
    """A free slot; `comment` is where it is booked by hand."""

    service_type: tuple[Concept, ...]
    specialty: tuple[Concept, ...] = ()
    appointment_type: Concept
    schedule: Reference
    status: str
    start: str
    end: str
    comment: str = ""


class Schedule(_Resource, frozen=True, kw_only=True, tag="Schedule"):
    """The agenda of a professional at one place."""

    actor: tuple[Reference, ...]


class Practitioner(_Resource, frozen=True, kw_only=True, tag="Practitioner"):
    """A professional."""

    identifier: tuple[Identifier, ...]
    name: tuple[Name, ...] = ()


class Location(_Resource, frozen=True, kw_only=True, tag="Location"):
    """A place, contained in the role that is exercised there."""

    identifier: tuple[Identifier, ...]
    address: Address


class PractitionerRole(_Resource, frozen=True, kw_only=True, tag="PractitionerRole"):
    """A professional at a place."""

    contained: tuple[Location, ...]
    practitioner: Reference
    organization: Identified | None = None
    location: tuple[Reference, ...]
    telecom: tuple[Phone, ...] = ()


class HealthcareService(_Resource, frozen=True, kw_only=True, tag="HealthcareService"):
    """That slots are of a CPTS."""

    provided_by: Reference


class Organization(_Resource, frozen=True, kw_only=True, tag="Organization"):
    """A CPTS."""

    identifier: tuple[Identifier, ...]
    name: str = ""
    telecom: tuple[Phone, ...] = ()


class OurIdentifier(msgspec.Struct, frozen=True, kw_only=True):
    """An identifier that is ours, without a type."""

    system: str
    value: str


class Operator(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The extension that names the regulator of an appointment."""

    url: str
    value_reference: Identified


class Participant(msgspec.Struct, frozen=True, kw_only=True):
    """With whom an appointment is."""

    actor: Identified
    status: str


class Appointment(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename="camel",
    tag_field="resourceType",
    tag="Appointment",
):
    """An appointment that a regulator took: nobody's but the professional's and the regulator's."""

    meta: Meta
    extension: tuple[Operator, ...]
    identifier: tuple[OurIdentifier, ...]
    status: str
    start: str
    end: str
    created: str = ""
    participant: tuple[Participant, ...]


class SearchMode(msgspec.Struct, frozen=True, kw_only=True):
    """Why an entry is in a Bundle."""

    mode: str


class Entry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One resource of a Bundle, at its address."""

    full_url: str
    resource: Any
    search: SearchMode


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """The query of a Bundle, repeated."""

    url: str
    relation: str = "self"


class BundleMeta(msgspec.Struct, frozen=True, kw_only=True):
    """The profile of a Bundle."""

    profile: tuple[str, ...]


class Bundle(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename="camel",
    tag_field="resourceType",
    tag="Bundle",
):
    """The answer to a search: `total` is the number of slots, whatever comes along."""

    meta: BundleMeta
    type: str
    total: int
    link: tuple[Link, ...]
    entry: tuple[Entry, ...] = ()


def national(
    kind: str, system: str, value: str, types: str = naming.IDENTIFIER_TYPES
) -> Identifier:
    """An identifier of a kind."""
    return Identifier(type=concept(types, kind), system=system, value=value)


def concept(system: str, code: str) -> Concept:
    """A concept of one code."""
    return Concept(coding=(Coding(system=system, code=code),))
