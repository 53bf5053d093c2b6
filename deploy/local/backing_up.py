"""The commands that keep what the services hold, and give it back: backup and restore."""

import shutil
import tempfile
from argparse import Namespace
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from deploy.local import archive, instance, topics
from deploy.local.archive import KeptService, Manifest
from deploy.local.folders import make_folder, state_folder
from deploy.local.lifecycle import NotOurs, find_running, timed_report
from deploy.local.services import SERVICES
from deploy.local.stack import Stack

Report = Callable[[str], None]
EVIDENCE_OF = "indicators"
"""The service whose rows name files of evidence."""


class NoBackupThere(Exception):  # noqa: N818  (a sentence about the world)
    """<folder> holds something else than a backup, which is not replaced."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} holds something else than a backup: name another folder")


def backup(options: Namespace) -> int:
    """Keep all services in a folder, or with `--check` only look whether one is whole."""
    if options.check:
        print(_told(options.check, archive.check(options.check)))
        return 0
    stack = find_running(options.instance)
    folder = (options.folder or _default_folder(stack.name)).absolute()
    if folder.exists() and not _may_replace(folder, is_agreed=options.yes):
        print("nothing was changed")
        return 1
    print(_told(folder, keep(stack, folder, timed_report())))
    return 0


def restore(options: Namespace) -> int:
    """Give services back what a backup holds of them; those that run are stopped meanwhile."""
    report = timed_report()
    services = tuple(dict.fromkeys(options.services)) or SERVICES
    with instance.alone(options.instance, report):
        find_running(options.instance)
        stack = Stack(options.instance, report=report, services_package=options.services_package)
        if stack.other_owner is not None:
            raise NotOurs(stack, stack.other_owner)
        report(f"{options.folder}: reading it to its end")
        manifest = archive.check(options.folder)
        for warning in ahead_of_log(stack, manifest, services):
            print(warning)
        what = f"this replaces what {', '.join(services)} hold by what they held"
        if not options.yes and not _is_agreed(f"{what} on {manifest.made_at:%Y-%m-%d %H:%M} UTC"):
            print("nothing was changed")
            return 1
        running = [service for service in services if stack.process(service)]
        bring_back(stack, options.folder, manifest, services, report)
        for service in running:
            report(f"{service}: starting; it hears what the log holds since")
            stack.start_service(service, wait=False)
        for service in running:
            stack.wait_service(service)
    stopped = [service for service in services if service not in running]
    if stopped:
        print(f"{', '.join(stopped)}: `just up` starts them")
    return 0


def keep(stack: Stack, folder: Path, report: Report) -> Manifest:
    """Write a backup of all services into a folder, which is whole or not there; services go on.

    Raises `ToolFailed`, `psycopg.Error`, `DamagedBackup` when it cannot be read back.
    """
    make_folder(folder.parent)
    made_at = datetime.now(UTC)
    being_made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        kept: dict[str, KeptService] = {}
        for place, service in enumerate(SERVICES, start=1):
            report(f"{service}: writing its archive ({place} of {len(SERVICES)})")
            kept[service] = archive.dump(service, stack.database_urls[service], being_made)
        # After the rows that name them: a file is put before its row.
        url = evidence_store(stack)
        store = _folder_of(url)
        evidence = archive.pack_evidence(store, being_made) if store else None
        manifest = Manifest(
            format=archive.FORMAT,
            made_at=made_at,
            instance=stack.name,
            services=kept,
            evidence=evidence,
            evidence_store=url,
        )
        archive.write_manifest(being_made, manifest)
        report("reading all of it back")
        archive.check(being_made)
        if folder.exists():
            shutil.rmtree(folder)
        being_made.rename(folder)
    except BaseException:
        shutil.rmtree(being_made, ignore_errors=True)
        raise
    return manifest


def bring_back(
    stack: Stack, folder: Path, manifest: Manifest, services: Sequence[str], report: Report
) -> None:
    """Replace the databases of services by their archives, one after the other; the processes of a
    service are stopped first and stay so.

    A service whose archive cannot be restored keeps its database. Raises `ToolFailed`.
    """
    for place, service in enumerate(services, start=1):
        stack.stop_component(service)
        report(f"{service}: restoring its database ({place} of {len(services)})")
        path = folder / manifest.services[service].file.name
        archive.load(path, stack.admin_url, stack.database_urls[service])
    if EVIDENCE_OF in services and manifest.evidence:
        store = _folder_of(evidence_store(stack))
        if store is None:
            report(
                f"the files of evidence stay in {manifest.evidence.name}: the store is elsewhere"
            )
        else:
            count = archive.unpack_evidence(folder / manifest.evidence.name, store)
            report(f"{EVIDENCE_OF}: {count} files of evidence given back")


def ahead_of_log(stack: Stack, manifest: Manifest, services: Sequence[str]) -> list[str]:
    """What the log of this instance does not hold and the backup has heard, a line a topic: the log
    was lost too, or is another one.
    """
    bounds = topics.log_bounds(stack.kafka, stack.namespace)
    told = set()
    for service in services:
        for topic, positions in manifest.services[service].positions.items():
            there = bounds.get(f"{stack.namespace}{topic}", {})
            if any(offset > there.get(int(one), (0, 0))[1] for one, offset in positions.items()):
                told.add(topic)
    return [
        f"warning: the log of {one} ends before the backup: it was lost too, or is another one; "
        "the services will not start with it (docs/backup.md)"
        for one in sorted(told)
    ]


def evidence_store(stack: Stack) -> str:
    """Where this instance keeps files of evidence."""
    return stack.service_environment(EVIDENCE_OF)["EVIDENCE_STORE_URL"]


def _folder_of(url: str) -> Path | None:
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _default_folder(name: str) -> Path:
    return state_folder() / "backups" / f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


def _may_replace(folder: Path, *, is_agreed: bool) -> bool:
    """Whether what is there may go. Raises `NoBackupThere` when it is something else."""
    if not folder.is_dir() or (any(folder.iterdir()) and not (folder / archive.MANIFEST).exists()):
        raise NoBackupThere(folder)
    is_empty = not any(folder.iterdir())
    return is_agreed or is_empty or _is_agreed(f"this replaces the backup in {folder}")


def _is_agreed(what: str) -> bool:
    """Whether a person says yes; nobody is there to say it without an input."""
    print(what)
    try:
        return input("type yes to go on: ").strip() == "yes"
    except EOFError:
        print()
        return False


def _told(folder: Path, manifest: Manifest) -> str:
    """A backup that is whole, as lines for a person."""
    lines = [f"{folder}: whole, of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC, {manifest.instance}"]
    for service, kept in manifest.services.items():
        heard = sum(sum(one.values()) for one in kept.positions.values())
        lines.append(
            f"  {service:<11} {kept.file.bytes:>12} bytes  {kept.said:>9} events said, "
            f"{heard:>9} records of the log taken"
        )
    evidence = manifest.evidence
    lines.append(
        f"  {'evidence':<11} {evidence.bytes:>12} bytes"
        if evidence
        else f"  {'evidence':<11} not kept here: {manifest.evidence_store or 'there is no store'}"
    )
    return "\n".join(lines)


FAILURES = (archive.DamagedBackup, archive.ToolFailed, NoBackupThere)
