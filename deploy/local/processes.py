"""Child processes that are recorded, so that they are found again after any crash.

A process is known by its pid and its start time together: a pid alone may have been given to a
stranger since. Children run in a session of their own, so that Ctrl-C reaches only the command in
the foreground, which then stops them in order.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import msgspec
import psutil

POLL_SECONDS = 0.05
LINUX_BOOT = Path("/proc/sys/kernel/random/boot_id")
FOLDER_VARIABLE = "CPTS_INSTANCE_FOLDER"  # carried by every child: marks whose it is


class ComponentFailed(Exception):  # noqa: N818  (a sentence about the world)
    """A component died or did not get ready; says which, its last log lines and what to try."""

    def __init__(self, name: str, what: str, log: Path | None, advice: str) -> None:
        """`what` completes the sentence "<name> ..."; a given server has no `log` of ours."""
        super().__init__(f"{name} {what}")
        self.log = log
        self.advice = advice
        # Read now: the log of an ephemeral instance is gone when the message is shown.
        self.last_lines = last_lines(log) if log else []

    def __str__(self) -> str:
        lines = "\n".join(f"    {line}" for line in self.last_lines) or "    (empty)"
        told = f"  last lines of {self.log}:\n{lines}\n" if self.log else ""
        return f"{self.args[0]}\n{told}  to try: {self.advice}"


class RecordedProcess(msgspec.Struct, frozen=True, kw_only=True):
    """A process of ours: its pid, and when it started, on the clock of one boot of the machine."""

    pid: int
    started_at: float
    boot: str

    def find(self) -> psutil.Process | None:
        """The running process, or None when it has ended (a zombie has ended)."""
        try:
            process = psutil.Process(self.pid)
            is_ours = record_of(self.pid) == self
            return process if is_ours and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    def is_running(self) -> bool:
        """Whether the process still runs."""
        return self.find() is not None


def record_of(pid: int) -> RecordedProcess:
    """The record of a running process. Raises `psutil.NoSuchProcess`."""
    # On Linux psutil adds the boot time, which moves with the clock: a process would seem to be
    # another one after a correction of the time. The ticks since boot never change.
    if not LINUX_BOOT.exists():
        return RecordedProcess(pid=pid, started_at=psutil.Process(pid).create_time(), boot="")
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2]
    except (FileNotFoundError, ProcessLookupError) as error:
        raise psutil.NoSuchProcess(pid) from error
    boot = LINUX_BOOT.read_text("ascii").strip()
    return RecordedProcess(pid=pid, started_at=float(after_name.split()[19]), boot=boot)


def start(
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    account: tuple[int, int] | None = None,
) -> RecordedProcess:
    """Start a process whose output goes to `log`; `account` is the (user, group) it runs as."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
            cwd=folder,
            start_new_session=True,
            user=account and account[0],
            group=account and account[1],
            extra_groups=account and [],
        )
    record = record_of(child.pid)
    _own_children[record] = child
    return record


# Popen objects of this process, kept so that an ended child is reaped and not left a zombie.
_own_children: dict[RecordedProcess, "subprocess.Popen[bytes]"] = {}


def has_ended(record: RecordedProcess) -> bool:
    """Whether a process has ended; reaps it when it is a child of this one."""
    child = _own_children.get(record)
    if child is not None and child.poll() is not None:
        del _own_children[record]
        return True
    return not record.is_running()


def stop(
    record: RecordedProcess, *, by: signal.Signals = signal.SIGTERM, within_seconds: float = 10
) -> None:
    """Ask a process to end, wait, then kill it and its descendants if it did not."""
    process = record.find()
    if process is not None:
        descendants: list[psutil.Process] = []
        try:
            descendants = process.children(recursive=True)
            process.send_signal(by)
            if by == signal.SIGKILL:
                _kill_all(descendants)
            if not wait_until(lambda: has_ended(record), within_seconds=within_seconds):
                process.kill()
                wait_until(lambda: has_ended(record), within_seconds=5)
        except psutil.NoSuchProcess:
            pass
        _, survivors = psutil.wait_procs(descendants, timeout=2)
        _kill_all(survivors)
    has_ended(record)


def _kill_all(several: Iterable[psutil.Process]) -> None:
    for process in several:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def wait_until(is_true: Callable[[], bool], *, within_seconds: float) -> bool:
    """Poll a condition; answers whether it came true in time."""
    limit = time.monotonic() + within_seconds
    while not is_true():
        if time.monotonic() > limit:
            return False
        time.sleep(POLL_SECONDS)
    return True


def await_all(parts: Iterable[Future[None]]) -> None:
    """Raise the first failure as soon as it is known; Ctrl-C is noticed meanwhile."""
    pending = set(parts)
    while pending:
        done, pending = wait(pending, timeout=0.1)
        for part in done:
            part.result()


def last_lines(log: Path, count: int = 15) -> list[str]:
    """The last lines of a log, none when there is no log."""
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 64 * 1024))
        return file.read().decode("utf-8", "replace").splitlines()[-count:]


def end_by_exception_on_signals() -> None:
    """Make SIGTERM and SIGHUP unwind this process as Ctrl-C does: nothing is left behind.

    Only the first signal is heard. `uv` passes a Ctrl-C on that the terminal has sent to all, and
    a second one in the middle of the end, which is bounded, would leave orphans.
    """
    heard = [
        getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
    ]
    raised: list[BaseException] = []

    def unwind(number: int, _frame: object) -> None:
        for one in heard:
            signal.signal(one, signal.SIG_IGN)
        end = KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)
        raised.append(end)
        raise end

    def raise_again(swallowed: "sys.UnraisableHookArgs") -> None:
        # Python swallows what is raised while it runs a destructor or a weak reference's callback.
        if not raised or swallowed.exc_value is not raised[-1]:
            sys.__unraisablehook__(swallowed)
            return
        signal.signal(signal.SIGALRM, lambda _number, _frame: _raise(raised[-1]))
        signal.setitimer(signal.ITIMER_REAL, POLL_SECONDS)

    sys.unraisablehook = raise_again
    for one in heard:
        signal.signal(one, unwind)


def _raise(exception: BaseException) -> NoReturn:
    raise exception


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Ignore Ctrl-C in this block, when in the main thread (elsewhere it is not heard anyway)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def own_record() -> RecordedProcess:
    """The record of this very process."""
    return record_of(os.getpid())
