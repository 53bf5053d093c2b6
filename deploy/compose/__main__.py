"""`just compose …`: makes missing secrets and certificates, then is `docker compose …`."""

import os
import sys
from pathlib import Path

from deploy.compose.doors import make_doors
from deploy.compose.passwords import DEFAULT_SECRETS, SECRETS_VARIABLE, make_secrets
from deploy.local.services import ROOT

NO_DOCKER = "`docker` is not here: install Docker with its compose plugin"


def main(arguments: list[str]) -> int:
    """Become `docker compose` on this project; 1 when there is no Docker."""
    folder = Path(os.environ.get(SECRETS_VARIABLE) or DEFAULT_SECRETS)
    make_secrets(folder)
    make_doors(folder)
    os.chdir(ROOT)
    try:
        os.execvp("docker", ["docker", "compose", *arguments])  # noqa: S606
    except FileNotFoundError:
        print(NO_DOCKER, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
