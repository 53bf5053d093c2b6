"""The FHIR doors of an instance, which open with certificates of its own (`certs`)."""

import os
from pathlib import Path

import msgspec


class OwnDoors(msgspec.Struct, frozen=True, kw_only=True):
    """The doors of an instance: where its certificates are kept, and its port."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Their address."""
        return f"https://127.0.0.1:{self.port}/fhir"

    def environment(self, service: str) -> dict[str, str]:
        """What the first process of the gateway opens them with, the certificates made; nothing for
        another, or where the environment says it.
        """
        if service != "gateway" or "CPTS_DOORS" in os.environ:
            return {}
        # Imported where certificates are made: every other command starts without cryptography.
        from deploy.local import certs  # noqa: PLC0415

        return {"CPTS_DOORS": str(certs.make(self.folder, port=self.port))}


def own_doors(folder: Path, port: int) -> OwnDoors:
    """The doors of the instance in a folder, with certificates of its own."""
    return OwnDoors(folder=folder / "certs", port=port)
