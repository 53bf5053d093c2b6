"""What a backup is: a folder with one archive of PostgreSQL's a service, and a manifest.

The manifest tells each file's size and SHA-256, and where the service stood in the log when its
archive was taken. Archives are read and written by PostgreSQL's own `pg_dump` and `pg_restore`.
"""

import hashlib
import os
import subprocess
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec
import psycopg

from deploy.local import databases, postgres
from deploy.local.services import SERVICES

FORMAT = 1
MANIFEST = "manifest.json"
EVIDENCE = "evidence.tar"
READ_AT_ONCE = 1024 * 1024
NEEDED_TABLES = ("history", "outbox", "stored_offset")
POSITIONS = "select topic, partition, next_offset from stored_offset order by topic, partition"
BESIDE = """
    select nspname from pg_namespace
    where nspname !~ '^pg_' and nspname not in ('public', 'information_schema')
"""

Positions = dict[str, dict[str, int]]
"""By topic, as the contracts name it, and partition: the offset after the last record taken."""


class DamagedBackup(Exception):  # noqa: N818  (a sentence about the world)
    """A backup cannot be used: says which file, what is wrong with it and what to do."""

    def __init__(self, folder: Path, what: str) -> None:
        super().__init__(f"{folder}: {what}\n  nothing was changed; use another backup")


class ToolFailed(Exception):  # noqa: N818  (a sentence about the world)
    """One of PostgreSQL's programs did not do what it was asked; says what it said."""


class KeptFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a backup: its name in the folder, its size and its SHA-256 in hexadecimal."""

    name: str
    bytes: int
    sha256: str


class KeptService(msgspec.Struct, frozen=True, kw_only=True):
    """A service's archive, and where it stood in the log: `said` events of its own by then."""

    file: KeptFile
    positions: Positions
    said: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `manifest.json`. `evidence` is None where the files of evidence are not in a
    folder of this machine; `evidence_store` tells where they are.
    """

    format: int
    made_at: datetime
    instance: str
    services: dict[str, KeptService]
    evidence: KeptFile | None
    evidence_store: str

    def files(self) -> list[KeptFile]:
        """All files that the folder must hold beside the manifest."""
        return [one.file for one in self.services.values()] + (
            [self.evidence] if self.evidence else []
        )


def kept_file(path: Path) -> KeptFile:
    """A file as it is now."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(READ_AT_ONCE):
            digest.update(block)
    return KeptFile(name=path.name, bytes=path.stat().st_size, sha256=digest.hexdigest())


def run_program(program: str, url: str, *arguments: str) -> str:
    """Run one of PostgreSQL's programs on a database; answers what it printed.

    The password goes by the environment: command lines are seen by all. Raises `ToolFailed`.
    """
    parts = urlsplit(url)
    where = {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": parts.path.removeprefix("/"),
    }
    done = subprocess.run(
        [str(postgres.programs() / program), *arguments],
        env={**os.environ, **where},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ToolFailed(f"{program} on {databases.without_password(url)}: {done.stderr.strip()}")
    return done.stdout


def dump(service: str, url: str, folder: Path) -> KeptService:
    """Write a service's archive into a folder, of one moment of its database, in use or not.

    `url` is the database's, under a role that owns it. Raises `ToolFailed`, `psycopg.Error`.
    """
    path = folder / f"{service}.dump"
    path.touch(0o600)
    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        (snapshot,) = connection.execute("select pg_export_snapshot()").fetchone() or ("",)
        positions: Positions = {}
        for topic, partition, offset in connection.execute(POSITIONS):
            positions.setdefault(topic, {})[str(partition)] = offset
        (said,) = connection.execute("select count(*) from history").fetchone() or (0,)
        run_program(
            "pg_dump",
            url,
            *("--format=custom", f"--snapshot={snapshot}", f"--file={path}"),
            *("--no-owner", "--no-privileges"),
            # What was rebuilt beside the live state is not kept. (`--schema=public` would make
            # an archive that begins with a schema that every database has.)
            *(f'--exclude-schema="{name}"' for (name,) in connection.execute(BESIDE)),
        )
    return KeptService(file=kept_file(path), positions=positions, said=said)


def load(archive: Path, admin_url: str, url: str) -> None:
    """Make a service's database what an archive says, whole or not at all.

    It is made beside the present one, which is replaced last; sessions on that are ended. `url` is
    the database's, under the service's role. Raises `ToolFailed`, `psycopg.Error`.
    """
    parts = urlsplit(url)
    name, owner = parts.path.removeprefix("/"), unquote(parts.username or "")
    beside = f"{name}_restoring"
    databases.drop_database(admin_url, beside)
    databases.create_database(admin_url, beside, owner)
    try:
        run_program(
            "pg_restore",
            parts._replace(path=f"/{beside}").geturl(),
            *("--exit-on-error", "--no-owner", "--no-privileges", f"--dbname={beside}"),
            str(archive),
        )
    except ToolFailed:
        databases.drop_database(admin_url, beside)
        raise
    databases.replace_database(admin_url, name, by=beside)


def pack_evidence(store: Path, folder: Path) -> KeptFile:
    """Put the files of evidence into one archive; each is named by its digest and never changes."""
    path = folder / EVIDENCE
    path.touch(0o600)
    with tarfile.open(path, "w") as archive:
        for one in sorted(store.rglob("*")) if store.is_dir() else ():
            if one.is_file():
                archive.add(one, one.relative_to(store))
    return kept_file(path)


def unpack_evidence(archive: Path, store: Path) -> int:
    """Give back the files of evidence that a store lacks; answers how many."""
    count = 0
    with tarfile.open(archive) as packed:
        for one in packed:
            if one.isfile() and not (store / one.name).exists():
                packed.extract(one, store, filter="data")
                count += 1
    return count


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, last: a folder without one is no backup."""
    path = folder / MANIFEST
    path.touch(0o600)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup. Raises `DamagedBackup`."""
    try:
        content = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise DamagedBackup(folder, f"is no backup: it has no {MANIFEST}") from error
    try:
        known = msgspec.json.decode(content)
        if isinstance(known, Mapping) and known.get("format") not in (FORMAT, None):
            what = f"is of format {known['format']}; this version reads format {FORMAT}"
            raise DamagedBackup(folder, what)
        return msgspec.json.decode(content, type=Manifest)
    except msgspec.MsgspecError as error:
        raise DamagedBackup(folder, f"{MANIFEST} cannot be read: {error}") from error


def check(folder: Path) -> Manifest:
    """See that a backup is whole: every service, every file as the manifest says, and archives that
    PostgreSQL reads to their ends and that hold a service's tables. Raises `DamagedBackup`.
    """
    manifest = read_manifest(folder)
    if missing := [name for name in SERVICES if name not in manifest.services]:
        raise DamagedBackup(folder, f"holds nothing of {', '.join(missing)}")
    for file in manifest.files():
        path = folder / file.name
        if Path(file.name).name != file.name or not path.is_file():
            raise DamagedBackup(folder, f"{file.name} is missing")
        if (size := path.stat().st_size) != file.bytes:
            raise DamagedBackup(folder, f"{file.name} has {size} bytes instead of {file.bytes}")
        if kept_file(path) != file:
            raise DamagedBackup(folder, f"{file.name} was changed: its SHA-256 is another")
    for service, kept in manifest.services.items():
        _check_archive(folder, service, folder / kept.file.name)
    return manifest


def _check_archive(folder: Path, service: str, path: Path) -> None:
    try:
        listed = run_program("pg_restore", "", "--list", str(path))
        run_program("pg_restore", "", f"--file={os.devnull}", str(path))
    except ToolFailed as error:
        raise DamagedBackup(folder, f"{path.name} cannot be read: {error}") from error
    tables = {line.split()[6] for line in listed.splitlines() if " TABLE DATA " in line}
    with suppress(StopIteration):
        absent = next(one for one in NEEDED_TABLES if one not in tables)
        raise DamagedBackup(folder, f"{path.name} holds no table {absent} of {service}")
