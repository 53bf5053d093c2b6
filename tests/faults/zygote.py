"""Where the services' processes come from: one that has imported them all, and forks.

A service is imported in seconds, and the campaign starts hundreds. What is forked has run nothing
yet but imports; from there on it is `tests.faults.launcher`, as `python -m` starts it.
"""

import gc
import importlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

from deploy.local import processes
from deploy.local.processes import RecordedProcess
from deploy.local.services import ROOT, SERVICES


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A process to be forked: its arguments, its environment, where it writes."""

    arguments: list[str]
    environment: dict[str, str]
    log: str


class Zygote:
    """The process that forks; its folder's instance is whose children they are."""

    def __init__(self, folder: Path) -> None:
        self._lock = threading.Lock()
        environment = os.environ | {processes.FOLDER_VARIABLE: str(folder)}
        with (folder / "zygote.log").open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.zygote"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env=environment,
                start_new_session=True,
            )

    def fork(
        self, arguments: Sequence[str], *, environment: Mapping[str, str], log: Path
    ) -> RecordedProcess:
        """A process of the launcher with these arguments; not awaited."""
        log.parent.mkdir(parents=True, exist_ok=True)
        wanted = Wanted(arguments=list(arguments), environment=dict(environment), log=str(log))
        asking, telling = self._child.stdin, self._child.stdout
        assert asking is not None
        assert telling is not None
        with self._lock:
            asking.write(msgspec.json.encode(wanted) + b"\n")
            asking.flush()
            told = telling.readline()
        assert told, "the zygote has ended"
        return processes.record_of(int(told))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        assert self._child.stdin is not None
        self._child.stdin.close()
        self._child.wait(timeout=10)


def _become(wanted: Wanted) -> None:
    """In the child: be what was wanted."""
    from tests.faults import launcher  # noqa: PLC0415 - imported before, by `main`

    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output = os.open(wanted.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, theirs in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(ours, theirs)
    os.environ.clear()
    os.environ.update(wanted.environment)
    sys.argv = ["tests.faults.launcher", *wanted.arguments]
    launcher.main()


def main(asked: IO[bytes], told: IO[bytes]) -> None:
    """Fork what is asked for, a line of JSON each; told is its pid. Ends with its input."""
    for service in SERVICES:
        importlib.import_module(f"services.{service}.app")
    importlib.import_module("tests.faults.launcher")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    gc.collect()
    gc.freeze()
    for line in asked:
        wanted = msgspec.json.decode(line, type=Wanted)
        pid = os.fork()
        if pid == 0:
            try:
                _become(wanted)
            finally:
                sys.stdout.flush()
                os._exit(1)
        told.write(f"{pid}\n".encode())
        told.flush()


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
