"""The secrets of the compose project: files that `docker-compose.yml` mounts."""

import secrets
from pathlib import Path

from deploy.local.databases import role_password
from deploy.local.services import ROOT, SERVICES

SECRETS_VARIABLE = "CPTS_SECRETS"
DEFAULT_SECRETS = ROOT / "var" / "secrets"
ADMIN = "postgres"
CLOSED = 0o700
READABLE = 0o444  # by the accounts inside the containers; the folder keeps this machine's out


def make_secrets(folder: Path) -> None:
    """Write the administrator's password, drawn once, and those of the roles, derived from it."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(CLOSED)
    if not (folder / ADMIN).exists():
        _write(folder / ADMIN, secrets.token_hex(16))
    for service in SERVICES:
        _write(folder / service, role_password(admin_url(folder), service))


def _write(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    new.write_text(text, "ascii")
    new.chmod(READABLE)
    new.replace(path)


def admin_url(folder: Path, port: int = 5432) -> str:
    """The connection string of PostgreSQL's administrator, on a port of this machine."""
    password = (folder / ADMIN).read_text("ascii")
    return f"postgresql://{ADMIN}:{password}@127.0.0.1:{port}/postgres"
