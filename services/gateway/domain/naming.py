"""The systems, codes and profiles of the SAS guide, exactly as it writes them.

Where its versions differ, `docs/adr/0022-the-doors-speak-the-published-package.md` says which one
is written and which are read.
"""

from typing import Final

# Identifiers.
IDENTIFIER_TYPES: Final = "http://interopsante.org/fhir/CodeSystem/fr-v2-0203"
IDNPS: Final = "IDNPS"
IDNST: Final = "IDNST"
INTRN: Final = "INTRN"
IDNPS_SYSTEM: Final = "urn:oid:1.2.250.1.71.4.2.1"
IDNST_SYSTEM: Final = "urn:oid:1.2.250.1.71.4.2.2"
REGULATORS_SYSTEM: Final = "urn:oid:1.2.250.1.213.3.6"

# Profiles.
REGULATOR_PROFILE: Final = (
    "https://interop.esante.gouv.fr/ig/fhir/sas/StructureDefinition/FrPractitionerRegul"
)
