"""The five services as processes: how each is started and how one knows that it is ready."""

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from deploy.local import processes
from deploy.local.processes import RecordedProcess

CHAIN = ("membership", "referrals", "indicators", "payments")
"""Those that a season makes speak: what they say is what can be lost."""
SERVICES = (*CHAIN, "gateway")
ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN_SECONDS = 60


def start(
    service: str, *, environment: Mapping[str, str], log: Path, package: str = "services"
) -> RecordedProcess:
    """Start `python -m services.<service>` with its environment; not awaited."""
    return processes.start(
        [sys.executable, "-m", f"{package}.{service}"],
        log=log,
        environment=environment,
        folder=ROOT,
    )


def environment(
    service: str,
    *,
    folder: Path,
    kafka: str,
    database_url: str,
    ports: Mapping[str, int],
    namespace: str,
    spans: str | None,
) -> dict[str, str]:
    """The environment that a service of an instance starts with; `spans` is where it sends its
    spans, unless this process's own environment says it.
    """
    made = {
        "MEMBERSHIP_URL": f"http://127.0.0.1:{ports['membership']}",
        "EVIDENCE_STORE_URL": (folder / "evidence").absolute().as_uri(),
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "DATABASE_URL": database_url,
        "HTTP_HOST": "127.0.0.1",
        "HTTP_PORT": str(ports[service]),
        "CPTS_MEMBER": service,
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
