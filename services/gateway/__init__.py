"""The gateway: the doors of the regional SAS platforms (FHIR)."""
