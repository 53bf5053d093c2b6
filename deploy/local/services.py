"""The services and the console as processes: how each is started, and how one sees it ready."""

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deploy.local import processes
from deploy.local.processes import ComponentFailed, RecordedProcess

CHAIN = ("membership", "referrals", "indicators", "payments")
"""Those that a season makes speak: what they say is what can be lost."""
SERVICES = (*CHAIN, "gateway")
CONSOLE = "console"
"""The page of the person on call: it asks the services, keeps nothing and hears no topic."""
ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN_SECONDS = 60


def start(
    module: str, *, environment: Mapping[str, str], log: Path, package: str = "services"
) -> RecordedProcess:
    """Start `python -m services.<module>` with its environment; not awaited."""
    return processes.start(
        [sys.executable, "-m", f"{package}.{module}"],
        log=log,
        environment=environment,
        folder=ROOT,
    )


def environment(
    name: str,
    *,
    folder: Path,
    kafka: str,
    database_url: str,
    ports: Mapping[str, int],
    namespace: str,
    spans: str | None,
    departements: str,
) -> dict[str, str]:
    """The environment that a process of a service starts with; `spans` is where it sends its
    spans, unless this process's own environment says it. `departements` are those that it is for.
    """
    made = {
        "MEMBERSHIP_URL": f"http://127.0.0.1:{ports['membership']}",
        "EVIDENCE_STORE_URL": (folder / "evidence").absolute().as_uri(),
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "DATABASE_URL": database_url,
        "HTTP_HOST": "127.0.0.1",
        "HTTP_PORT": str(ports[name]),
        "CPTS_MEMBER": name,
        "CPTS_DEPARTEMENTS": departements,
        processes.FOLDER_VARIABLE: str(folder),
        "PYTHONUNBUFFERED": "1",
    }
    if namespace:
        made["CPTS_NAMESPACE"] = namespace
    if spans and not made.get("OTEL_TRACES_EXPORTER"):
        made |= {"OTEL_TRACES_EXPORTER": "zipkin", "OTEL_EXPORTER_ZIPKIN_ENDPOINT": spans}
    # A service reaches its own database only: it is not handed the administrator's.
    made.pop("POSTGRES_URL", None)
    return made


def console_environment(
    folder: Path, urls: Mapping[str, Sequence[str]], port: int, traces_page: str | None
) -> dict[str, str]:
    """The environment that the console of an instance starts with: where the services are, and
    the page of traces, if there is one.
    """
    made = {
        **os.environ,
        **{f"{name.upper()}_URL": ",".join(of_it) for name, of_it in urls.items()},
        "HTTP_HOST": "127.0.0.1",
        "HTTP_PORT": str(port),
        processes.FOLDER_VARIABLE: str(folder),
        "PYTHONUNBUFFERED": "1",
    }
    if traces_page:
        made.setdefault("CPTS_TRACE_PAGE", f"{traces_page}traces/{{trace}}")
    for secret in ("POSTGRES_URL", "DATABASE_URL"):
        made.pop(secret, None)
    return made


def wait_ready(service: str, url: str, has_ended: Callable[[], bool], log: Path) -> None:
    """Wait until who serves `url` is ready. Raises `ComponentFailed`."""
    said = ""

    def is_settled() -> bool:
        nonlocal said
        is_ready, said = readiness(url)
        return is_ready or has_ended()

    in_time = processes.wait_until(is_settled, within_seconds=READY_WITHIN_SECONDS)
    advice = f"`just logs {service}` shows the whole log, `just up` starts it again"
    if has_ended():
        raise ComponentFailed(service, "ended while starting", log, advice)
    if not in_time:
        what = f"was not ready within {READY_WITHIN_SECONDS} s ({said or 'no answer'})"
        raise ComponentFailed(service, what, log, advice)


def readiness(url: str, path: str = "/health/ready") -> tuple[bool, str]:
    """Whether who serves `url` is ready, and what it says about it (why not, if it is not)."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url + path, timeout=2) as answer:
            return True, answer.read().decode("utf-8", "replace").strip()
    except urllib.error.HTTPError as refusal:
        return False, refusal.read().decode("utf-8", "replace").strip()
    except OSError as error:
        return False, str(getattr(error, "reason", error))
