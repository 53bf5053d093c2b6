"""What an instance remembers in its folder: its ports, its secret, its processes.

The record is written before and after each change, whole and in one step, so that whatever was
killed can be found, stopped and started again.
"""

import fcntl
import os
import secrets
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import psutil

from deploy.local import databases, given, ports, processes
from deploy.local.folders import make_folder, state_folder
from deploy.local.processes import RecordedProcess
from deploy.local.services import CONSOLE, SERVICES

PORT_NAMES = ("kafka", "kafka_controller", "postgres", "zipkin", *SERVICES, "doors", CONSOLE)


class InstanceRecord(msgspec.Struct, kw_only=True):
    """The content of `instance.json`.

    `owner` is set for an ephemeral instance only. `external_kafka` and `external_postgres` are the
    addresses that replaced the embedded components at the last start, or empty; `namespace` is then
    what the names of this instance's topics and databases carry.
    `shares` is what `deploy.local.shares` tells.
    """

    ports: dict[str, int]
    admin_password: str
    owner: RecordedProcess | None = None
    processes: dict[str, RecordedProcess] = {}
    external_kafka: str = ""
    external_postgres: str = ""
    namespace: str = ""
    shares: dict[str, list[str]] = {}


def _record_path(folder: Path) -> Path:
    return folder / "instance.json"


def load(folder: Path) -> InstanceRecord | None:
    """The record of an instance, or None when there is no such instance."""
    try:
        return msgspec.json.decode(_record_path(folder).read_bytes(), type=InstanceRecord)
    except FileNotFoundError:
        return None


def save(folder: Path, record: InstanceRecord) -> None:
    """Write the record in one step; only its owner may read it."""
    path = _record_path(folder)
    new = path.with_suffix(".new")
    new.touch(0o600)
    new.write_bytes(msgspec.json.format(msgspec.json.encode(record)))
    new.replace(path)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock file; the system lets go of it if this process dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def alone(name: str, report: Callable[[str], None]) -> Iterator[None]:
    """Be the only command that starts or ends an instance: another one is waited for.

    What is read of the instance inside is what the other one left: a record read before would
    make its processes strays. The file is beside the instance's folder, which may be deleted.
    """
    with (state_folder() / f"instance-{name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"another command starts or ends {name}: waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def lasting_folder(name: str) -> Path:
    """The folder of a lasting instance (it may not exist yet)."""
    return state_folder() / "instances" / name


def find_ephemeral(name: str) -> tuple[Path, InstanceRecord] | None:
    """The folder and record of a running process's instance (the kept demo), or None."""
    folder = state_folder() / "ephemeral" / name
    record = load(folder)
    return None if record is None else (folder, record)


def _every_folder() -> list[Path]:
    return [path.parent for path in state_folder().glob("*/*/instance.json")]


def _taken_ports() -> set[int]:
    records = [load(folder) for folder in _every_folder()]
    return {port for record in records if record for port in record.ports.values()}


def add_ports(record: InstanceRecord, names: Iterable[str]) -> None:
    """Give each of these names a port, unless it has one."""
    with exclusive(state_folder() / "ports.lock"):
        record.ports = _choose_ports(record.ports, names)


def _choose_ports(
    known: dict[str, int] | None = None, names: Iterable[str] = PORT_NAMES
) -> dict[str, int]:
    """A port for each name, those known kept: an older instance lacks one of a newer service."""
    taken = _taken_ports()
    chosen: dict[str, int] = dict(known or {})
    for name in names:
        if name not in chosen:
            chosen[name] = ports.free_port(taken | set(chosen.values()))
    return chosen


def prepare_lasting(name: str) -> tuple[Path, InstanceRecord]:
    """The folder and record of a lasting instance, made when new; busy ports are replaced."""
    folder = make_folder(lasting_folder(name))
    with exclusive(state_folder() / "ports.lock"):
        record = load(folder)
        if record is None:
            record = InstanceRecord(ports=_choose_ports(), admin_password=secrets.token_hex(16))
        is_running = any(process.is_running() for process in record.processes.values())
        if not is_running and not all(ports.is_free(port) for port in record.ports.values()):
            record.ports = _choose_ports(names=record.ports)
        record.ports = _choose_ports(record.ports)
        save(folder, record)
    return folder, record


def prepare_ephemeral(name: str) -> tuple[Path, InstanceRecord]:
    """The folder and record of a new ephemeral instance, owned by this process."""
    with exclusive(state_folder() / "ports.lock"):
        for folder in _every_folder():
            _discard_if_abandoned(folder)
        folder = make_folder(state_folder() / "ephemeral" / f"{name}-{secrets.token_hex(4)}")
        record = InstanceRecord(
            ports=_choose_ports(),
            admin_password=secrets.token_hex(16),
            owner=processes.own_record(),
        )
        save(folder, record)
    return folder, record


def _discard_if_abandoned(folder: Path) -> None:
    record = load(folder)
    if record is not None and record.owner is not None and not record.owner.is_running():
        discard(folder)


def leftovers(folder: Path) -> list[psutil.Process]:
    """Running processes of an instance, recorded or not, except this one.

    A process carries the mark of its instance in its environment; PostgreSQL overwrites that, and
    is known, like Kafka, by the folder on its command line.
    """
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            is_marked = process.environ().get(processes.FOLDER_VARIABLE) == str(folder)
            is_component = process.name() in ("java", "postgres")
            inside = f"{folder}{os.sep}"
            if is_marked or (is_component and any(inside in part for part in process.cmdline())):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
            continue
    return found


def kill_strays(folder: Path, known: Iterable[RecordedProcess] = ()) -> None:
    """SIGKILL the processes of an instance that are neither known nor descend from known ones."""
    kept = set()
    for record in known:
        process = record.find()
        if process is not None:
            kept |= {process.pid, *(child.pid for child in process.children(recursive=True))}
    strays = [process for process in leftovers(folder) if process.pid not in kept]
    for stray in strays:
        with suppress(psutil.NoSuchProcess):
            stray.kill()
    psutil.wait_procs(strays, timeout=5)


def kill_everything(folder: Path) -> None:
    """SIGKILL every process of an instance, whether recorded or not."""
    record = load(folder)
    for process in record.processes.values() if record else ():
        processes.stop(process, by=signal.SIGKILL)
    kill_strays(folder)


def take_servers(
    record: InstanceRecord, name: str, kafka: str, postgres: str, report: Callable[[str], None]
) -> None:
    """Take the given servers, empty for our own, from now on; what was made on others stays."""
    for before, now in ((record.external_kafka, kafka), (record.external_postgres, postgres)):
        if before and before != now:
            server = databases.without_password(before)
            report(f"left behind on {server}: what carries {record.namespace} in its name")
    record.external_kafka, record.external_postgres = kafka, postgres
    record.namespace = f"{name}-" if kafka or postgres else ""


def clear_given_servers(record: InstanceRecord) -> list[str]:
    """Delete what an instance made on given servers; answers what stays there, and why."""
    return given.clear(
        kafka=record.external_kafka,
        admin_url=record.external_postgres,
        namespace=record.namespace,
        is_ephemeral=record.owner is not None,
    )


def discard(folder: Path) -> list[str]:
    """Stop an instance at once and delete its data; answers what stays on given servers."""
    kill_everything(folder)
    record = load(folder)
    left = clear_given_servers(record) if record else []
    shutil.rmtree(folder, ignore_errors=True)
    return left
