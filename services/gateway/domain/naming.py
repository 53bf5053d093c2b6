"""The systems, codes and profiles of the SAS guide, exactly as it writes them.

Where its versions differ, `docs/adr/0022-the-doors-of-the-sas-platforms.md` says which one
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
GUIDE: Final = "https://interop.esante.gouv.fr/ig/fhir/sas/StructureDefinition"
BUNDLE_PROFILE: Final = "http://sas.fr/fhir/StructureDefinition/BundleAgregateur"
CPTS_BUNDLE_PROFILE: Final = f"{GUIDE}/sas-cpts-bundle-aggregator"
SLOT_PROFILE: Final = "http://sas.fr/fhir/StructureDefinition/FrSlotAgregateur"
CPTS_SLOT_PROFILE: Final = f"{GUIDE}/sas-cpts-slot-aggregator"
SCHEDULE_PROFILE: Final = "http://sas.fr/fhir/StructureDefinition/FrScheduleAgregateur"
PRACTITIONER_PROFILE: Final = "http://sas.fr/fhir/StructureDefinition/FrPractitionerAgregateur"
ROLE_PROFILE: Final = "http://sas.fr/fhir/StructureDefinition/FrPractitionerRoleExerciceAgregateur"
LOCATION_PROFILE: Final = "http://sas.fr/fhir/StructureDefinition/FrLocationAgregateur"
SERVICE_PROFILE: Final = f"{GUIDE}/sas-cpts-healthcareservice-aggregator"
ORGANIZATION_PROFILE: Final = f"{GUIDE}/sas-cpts-organization-aggregator"
APPOINTMENT_PROFILE: Final = "http://sas.fr/fhir/StructureDefinition/FrAppointmentSAS"
OPERATOR_EXTENSION: Final = "http://interopsante.org/fhir/StructureDefinition/FrAppointmentOperator"

# Codes.
LOCATION_IDENTIFIER_TYPES: Final = (
    "http://interopsante.org/fhir/CodeSystem/fr-location-identifier-type"
)
SLOT_TYPES: Final = "https://mos.esante.gouv.fr/NOS/TRE_R314-TypeCreneau/FHIR/TRE-R314-TypeCreneau"
CONSULTATIONS: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
STRUCTURE_KINDS: Final = (
    "https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/"
    "TRE-R66-CategorieEtablissement"
)
CPTS_KIND: Final = "604"
APPOINTMENT_TYPES: Final = "http://terminology.hl7.org/CodeSystem/v2-0276"
SPECIALTIES: Final = (
    "https://mos.esante.gouv.fr/NOS/TRE_R38-SpecialiteOrdinale/FHIR/TRE-R38-SpecialiteOrdinale"
)
SERVICE_TYPE_EXTENSION: Final = (
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Slot.serviceType"
)
OUR_PLACES: Final = "urn:sas-cpts:lieu"
OUR_APPOINTMENTS: Final = "urn:sas-cpts:rendez-vous"
