"""The certificates of the FHIR doors of the compose project, as `just certs` makes them: a folder
among the secrets, which the gateway's container mounts.
"""

from pathlib import Path

from deploy.compose.passwords import READABLE
from deploy.local import certs

FOLDER = "doors"
INSIDE_HOST, INSIDE_PORT = "0.0.0.0", 8443  # noqa: S104 - published on this machine's loopback only
WALKED_THROUGH = 0o755  # by the account inside the container; the folder above keeps others out


def make_doors(secrets_folder: Path) -> Path:
    """Make the certificates and the file that `CPTS_DOORS` names; answers their folder."""
    folder = secrets_folder / FOLDER
    certs.make(folder, host=INSIDE_HOST, port=INSIDE_PORT, names=("gateway",))
    folder.chmod(WALKED_THROUGH)
    (folder / "gateway.key").chmod(READABLE)
    return folder
