"""What `docker-compose.yml` and the Dockerfile must be: each rule answers what breaks it."""

import re
from collections.abc import Iterator
from typing import Any, Final

from deploy.local.services import CONSOLE, ROOT, SERVICES

Compose = dict[str, Any]

RUNNING: Final = ("kafka", "postgres", *SERVICES, CONSOLE)
MONITORING: Final = ("collector", "traces", "prometheus", "grafana")
JOBS: Final = ("databases", *(f"migrate-{service}" for service in SERVICES))
COMPLETED: Final = {"condition": "service_completed_successfully"}
HEALTHY: Final = {"condition": "service_healthy"}
SECRET_NAME: Final = re.compile(r"PASSWORD|SECRET|TOKEN|CREDENTIAL")
PASSWORD_IN_URL: Final = re.compile(r"://[^/@\s]+:[^/@\s]+@")


def missing_parts(compose: Compose) -> list[str]:
    """What must run, or prepare it, and is not there, or what nobody asked for."""
    return sorted({*RUNNING, *JOBS, *MONITORING} ^ set(compose["services"]))


def wrong_profiles(compose: Compose) -> list[str]:
    """What watches and starts unasked, or what works and does not start by itself."""
    return [
        name
        for name, service in compose["services"].items()
        if service.get("profiles", []) != (["monitoring"] if name in MONITORING else [])
    ]


def missing_configuration(compose: Compose) -> Iterator[str]:
    """What is mounted and is not there, or is there and nobody's."""
    mounted = {
        config["source"]
        for service in compose["services"].values()
        for config in service.get("configs", ())
    }
    yield from mounted ^ compose["configs"].keys()
    for config in compose["configs"].values():
        if not (ROOT / config["file"]).is_file():
            yield config["file"]


def unhealthy(compose: Compose) -> list[str]:
    """What runs and does not say how it does."""
    return [name for name in RUNNING if "test" not in compose["services"][name]["healthcheck"]]


def wrong_order(compose: Compose) -> list[str]:
    """What starts before that on which it depends is well, or done."""
    wanted: dict[str, dict[str, Any]] = {"databases": {"postgres": HEALTHY}}
    for service in SERVICES:
        wanted[f"migrate-{service}"] = {"databases": COMPLETED, "kafka": HEALTHY}
        wanted[service] = {
            f"migrate-{service}": COMPLETED,
            "kafka": HEALTHY,
            "postgres": HEALTHY,
        }
    return [
        name
        for name, before in wanted.items()
        if compose["services"][name].get("depends_on") != before
    ]


def clear_secrets(compose: Compose) -> Iterator[str]:
    """Secrets that stand in the file, or come from where git looks."""
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            is_named = SECRET_NAME.search(variable) and not variable.endswith("_FILE")
            if is_named or PASSWORD_IN_URL.search(str(value)):
                yield f"{name}: {variable}"
    for name, secret in compose["secrets"].items():
        if not secret.get("file", "").startswith("${CPTS_SECRETS:-./var/secrets}/"):
            yield f"secret {name}"


def foreign_secrets(compose: Compose) -> Iterator[str]:
    """Services that reach more than their own database, or it under another role."""
    for service in SERVICES:
        for name in (service, f"migrate-{service}"):
            part = compose["services"][name]
            url = f"postgresql://{service}@postgres:5432/{service}"
            if part["environment"]["DATABASE_URL"] != url:
                yield f"{name}: DATABASE_URL"
            if part["secrets"] != [{"source": service, "target": "database"}]:
                yield f"{name}: secrets"
    console = compose["services"][CONSOLE]
    if "secrets" in console or any("DATABASE" in name for name in console["environment"]):
        yield f"{CONSOLE}: reaches a database"


def open_ports(compose: Compose) -> list[str]:
    """Ports that are published beyond this machine's loopback."""
    return [
        f"{name}: {port}"
        for name, service in compose["services"].items()
        for port in service.get("ports", ())
        if not str(port).startswith("127.0.0.1:")
    ]


def powers(compose: Compose) -> list[str]:
    """What of ours runs with more than it needs, or listens where nothing reaches it."""
    hardened = {
        "image": "sas-cpts",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
    }
    return [
        name
        for name in (*SERVICES, CONSOLE, *(f"migrate-{service}" for service in SERVICES))
        if not hardened.items() <= compose["services"][name].items()
        or compose["services"][name]["environment"]["HTTP_HOST"] != "0.0.0.0"
        or "user" in compose["services"][name]
    ]


def forgetful(compose: Compose) -> list[str]:
    """Where data would be lost with its container, and images of no known version."""
    volumes = {
        "kafka": "kafka:/var/lib/kafka/data",
        "postgres": "postgres:/var/lib/postgresql",
        "prometheus": "prometheus:/prometheus",
        "traces": "traces:/var/tempo",
    }
    found = [
        f"{name}: volumes"
        for name, volume in volumes.items()
        if compose["services"][name].get("volumes") != [volume] or name not in compose["volumes"]
    ]
    return found + [
        f"{name}: {service['image']}"
        for name, service in compose["services"].items()
        if "build" not in service and not re.search(r":v?\d", service["image"])
    ]


def unsafe_image(dockerfile: str) -> list[str]:
    """What a Dockerfile does that makes an image large, open or different each time."""
    lines = [line for line in dockerfile.splitlines() if line and not line.startswith("#")]
    stages = [number for number, line in enumerate(lines) if line.startswith("FROM ")]
    last = lines[stages[-1] :]
    users = [line.split()[1] for line in last if line.startswith("USER ")]
    found = []
    if len(stages) < 2:
        found.append("one stage: what builds is shipped")
    if not users or not users[-1].isdecimal() or users[-1] == "0":
        found.append("runs as root, or as a name that cannot be told from root")
    if any(line.startswith("COPY ") and "--from=" not in line for line in last):
        found.append("the last stage takes more than what was built")
    if not any("uv sync --locked --no-default-groups" in line for line in lines):
        found.append("not built from uv.lock, or with the groups of the embedded platform")
    return found
