"""Backups: one is whole or refused, and a service that is given back meets the others again.

That what others heard since stays, with no figure and no cent moved, is shown in
`tests/faults/test_restore.py`, for each service.
"""

import json
import shutil
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psycopg
import pytest

from deploy.local import archive, backing_up
from deploy.local.__main__ import main
from deploy.local.archive import DamagedBackup
from deploy.local.services import SERVICES
from deploy.local.stack import Stack

SYSTEM = {"Acting-Role": "system"}


def _register(platform: Stack, cpts_id: str) -> None:
    answer = httpx.post(
        f"{platform.http_urls['membership']}/cpts",
        json={"cpts_id": cpts_id, "cpts_name": cpts_id, "seat_commune": "95127"},
        headers=SYSTEM,
        timeout=20,
    )
    assert answer.status_code == 201, answer.text


def _known(platform: Stack, cpts_id: str) -> bool:
    url = f"{platform.http_urls['membership']}/cpts/{cpts_id}"
    return httpx.get(url, headers=SYSTEM).status_code == 200


@pytest.fixture(scope="module")
def kept(platform: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the platform, with a CPTS and a file of evidence."""
    _register(platform, "said-before")
    evidence = platform.folder / "evidence" / "ab" / "abcd"
    evidence.parent.mkdir(parents=True)
    evidence.write_bytes(b"a page")
    folder = tmp_path_factory.mktemp("backups") / "kept"
    backing_up.keep(platform, folder, print)
    return folder


@pytest.fixture
def copy(kept: Path, tmp_path: Path) -> Path:
    """A copy of the backup, to be damaged."""
    return Path(shutil.copytree(kept, tmp_path / "copy"))


@pytest.mark.stack
def test_a_backup_tells_what_it_holds(
    kept: Path, platform: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backup", "--check", str(kept)]) == 0
    said = capsys.readouterr().out
    assert all(f"  {service}" in said for service in (*SERVICES, "evidence"))
    assert "whole" in said
    manifest = archive.read_manifest(kept)
    membership = manifest.services["membership"]
    assert membership.said >= 1
    assert sum(membership.positions["membership"].values()) <= membership.said
    assert {path.stat().st_mode & 0o077 for path in (kept, *kept.iterdir())} == {0}
    assert backing_up.ahead_of_log(platform, manifest, SERVICES) == []


@pytest.mark.stack
def test_a_service_given_back_hears_what_it_said_since(kept: Path, platform: Stack) -> None:
    _register(platform, "said-since")
    (platform.folder / "evidence" / "ab" / "abcd").unlink()
    backing_up.bring_back(platform, kept, archive.check(kept), ("membership", "indicators"), print)
    with psycopg.connect(platform.database_urls["membership"]) as connection:
        assert (
            connection.execute("select from cpts where cpts_id = %s", ("said-since",)).rowcount == 0
        )
    for service in ("membership", "indicators"):
        assert platform.process(service) is None
        platform.start_service(service, {"CPTS_PARTITIONS": "4"})
    assert _known(platform, "said-since")
    assert (platform.folder / "evidence" / "ab" / "abcd").read_bytes() == b"a page"


def _of_another_format(folder: Path) -> None:
    path = folder / archive.MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"format": 99}), "utf-8")


def _without_a_service(folder: Path) -> None:
    path = folder / archive.MANIFEST
    manifest = json.loads(path.read_text("utf-8"))
    del manifest["services"]["gateway"]
    path.write_text(json.dumps(manifest), "utf-8")


def _one_byte_other(folder: Path) -> None:
    path = folder / "payments.dump"
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)


def _no_archive(folder: Path) -> None:
    """A file that is told as it is, and that is no archive."""
    manifest = archive.read_manifest(folder)
    path = folder / "payments.dump"
    path.write_bytes(b"PGDMP, and nothing more")
    payments = msgspec.structs.replace(manifest.services["payments"], file=archive.kept_file(path))
    services = manifest.services | {"payments": payments}
    archive.write_manifest(folder, msgspec.structs.replace(manifest, services=services))


@pytest.mark.stack
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda folder: (folder / "payments.dump").unlink(), "payments.dump is missing"),
        (lambda folder: (folder / "evidence.tar").unlink(), "evidence.tar is missing"),
        (lambda folder: (folder / archive.MANIFEST).unlink(), "is no backup"),
        (lambda folder: (folder / archive.MANIFEST).write_text("{"), "cannot be read"),
        (_one_byte_other, "payments.dump was changed"),
        (_of_another_format, "is of format 99"),
        (_without_a_service, "holds nothing of gateway"),
        (_no_archive, "payments.dump cannot be read"),
    ],
)
def test_a_damaged_backup_is_refused_and_nothing_is_changed(
    damage: Callable[[Path], Any],
    told: str,
    copy: Path,
    platform: Stack,
    capsys: pytest.CaptureFixture[str],
) -> None:
    damage(copy)
    before = {service: platform.process(service) for service in SERVICES}
    assert main(["backup", "--check", str(copy)]) == 1
    said = capsys.readouterr().err
    assert told in said
    assert "nothing was changed" in said
    with pytest.raises(DamagedBackup):
        archive.check(copy)
    assert {service: platform.process(service) for service in SERVICES} == before


@pytest.mark.stack
def test_an_archive_that_cannot_be_restored_leaves_the_database(
    fresh_databases: dict[str, str], stack: Stack, tmp_path: Path
) -> None:
    url = fresh_databases["payments"]
    with psycopg.connect(url) as connection:
        connection.execute("create table kept (text text)")
    broken = tmp_path / "broken.dump"
    broken.write_bytes(b"PGDMP")
    with pytest.raises(archive.ToolFailed):
        archive.load(broken, stack.admin_url, url)
    with psycopg.connect(url) as connection:
        assert connection.execute("select count(*) from kept").fetchone() == (0,)


@pytest.mark.stack
def test_another_processs_instance_is_kept_and_not_given_back(
    kept: Path, platform: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["restore", str(kept), "payments", "--yes", "--instance", platform.name]
    assert main(arguments) == 1
    assert "belongs to the running process" in capsys.readouterr().err
    assert platform.process("payments")


@pytest.mark.stack
def test_only_a_backup_is_replaced_and_only_when_a_person_agrees(
    kept: Path,
    platform: Stack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "letter").write_text("kept", "utf-8")
    asked = {"instance": platform.name, "check": None}
    with pytest.raises(backing_up.NoBackupThere):
        backing_up.backup(Namespace(**asked, folder=tmp_path, yes=True))
    made_at = archive.read_manifest(kept).made_at
    monkeypatch.setattr("builtins.input", lambda _: "no")
    assert backing_up.backup(Namespace(**asked, folder=kept, yes=False)) == 1
    assert archive.read_manifest(kept).made_at == made_at
    monkeypatch.setattr("builtins.input", lambda _: "yes")
    assert backing_up.backup(Namespace(**asked, folder=kept, yes=False)) == 0
    assert archive.read_manifest(kept).made_at > made_at
    assert "writing its archive (5 of 5)" in capsys.readouterr().out


@pytest.mark.stack
def test_a_log_that_ends_before_the_backup_is_told(kept: Path, platform: Stack) -> None:
    manifest = archive.read_manifest(kept)
    membership = manifest.services["membership"]
    ahead = msgspec.structs.replace(membership, positions={"membership": {"0": 10**9}})
    told = backing_up.ahead_of_log(
        platform,
        msgspec.structs.replace(manifest, services={"membership": ahead}),
        ["membership"],
    )
    assert [line.partition(" ends")[0] for line in told] == ["warning: the log of membership"]
