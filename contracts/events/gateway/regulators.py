"""Accounts of regulators, which the SAS (service d'accès aux soins) platforms open here."""

import msgspec


class RegulatorIdentifier(msgspec.Struct, frozen=True, kw_only=True):
    """How a platform names a regulator: a FHIR identifier.

    `kind`: `IDNPS` (national) or `INTRN` (the platform's own UUID); `system` is the URI under which
    the value is unique.
    """

    kind: str
    system: str
    value: str


class RegulatorRecorded(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="gateway.RegulatorRecorded.v1"
):
    """The account of a regulator, whole, as its platform last told it.

    While it is not active it can do nothing, and its national identifier may be another account's.
    """

    regulator_id: str
    identifiers: tuple[RegulatorIdentifier, ...]
    is_active: bool
