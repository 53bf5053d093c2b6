"""What a service's process is told by its environment."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec

from contracts.departements import parse_departements


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds on everything that waits, retries or grows; the defaults suit production."""

    batch_records: int = 1000
    partition_records: int = 200
    breaches_in_a_row: int = 20
    relay_rows_per_partition: int = 200
    lease_seconds: int = 5
    lock_timeout_ms: int = 5_000
    idle_in_transaction_ms: int = 15_000
    wait_seconds_max: int = 30
    question_ms_max: int = 5_000
    statement_seconds_max: int = 60


class Keeping(msgspec.Struct, frozen=True, kw_only=True):
    """How long rows are kept that are needed for a time only (docs/retention.md).

    Rows of the outbox from when they were sent, answers to orders from when they were given, dead
    letters from when they were replayed.
    """

    sent_hours: int = 24
    answers_days: int = 90
    replayed_letters_days: int = 365


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One service's settings. `departements` are those that this process reads; None reads what
    no other process of the service names (`sharing`).

    `member` names this process in its consumer group for good: when it comes back it has its
    partitions at once. No two processes of a service may share it; None is a member of one life.
    `evidence_store_url` is where files are kept; empty: this process takes none.
    """

    service: str
    database_url: str
    kafka: str
    http_host: str = "127.0.0.1"
    http_port: int = 0
    namespace: str = ""
    departements: tuple[str, ...] | None = None
    member: str | None = None
    partitions: int = 12
    is_production: bool = False
    evidence_store_url: str = ""
    limits: Limits = Limits()
    keeping: Keeping = Keeping()

    def topic(self, name: str) -> str:
        """The name of a topic in this environment's cluster."""
        return f"{self.namespace}{name}"


def _database_url(env: Mapping[str, str]) -> str:
    """The database's address, with the password that a mounted secret holds, if there is one."""
    if not (secret := env.get("DATABASE_PASSWORD_FILE")):
        return env["DATABASE_URL"]
    url = urlsplit(env["DATABASE_URL"])
    password = quote(Path(secret).read_text("utf-8").strip(), safe="")
    server = url.netloc.rpartition("@")[2]
    return urlunsplit(url._replace(netloc=f"{url.username or ''}:{password}@{server}"))


def _keeping(env: Mapping[str, str]) -> Keeping:
    """How long rows are kept. Raises `ValueError` for less than one hour, or one day."""
    names = {
        "sent_hours": "CPTS_KEEP_SENT_HOURS",
        "answers_days": "CPTS_KEEP_ANSWERS_DAYS",
        "replayed_letters_days": "CPTS_KEEP_REPLAYED_LETTERS_DAYS",
    }
    told = {field: int(env[name]) for field, name in names.items() if env.get(name)}
    for field, value in told.items():
        if value < 1:
            raise ValueError(f"{names[field]} is {value}: 1 at least")
    return Keeping(**told)


def read_settings(service: str, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings that the environment gives a service; KeyError names a missing one.

    Raises `UnknownDepartementError`.
    """
    env = os.environ if environment is None else environment
    departements = env.get("CPTS_DEPARTEMENTS")
    return Settings(
        service=service,
        database_url=_database_url(env),
        kafka=env["KAFKA_BOOTSTRAP_SERVERS"],
        http_host=env.get("HTTP_HOST", "127.0.0.1"),
        http_port=int(env.get("HTTP_PORT", "0")),
        namespace=env.get("CPTS_NAMESPACE", ""),
        departements=parse_departements(departements) if departements else None,
        member=env.get("CPTS_MEMBER"),
        partitions=int(env.get("CPTS_PARTITIONS", "12")),
        is_production=env.get("CPTS_ENVIRONMENT") == "production",
        evidence_store_url=env.get("EVIDENCE_STORE_URL", ""),
        limits=Limits(breaches_in_a_row=int(env.get("CPTS_BREACHES_IN_A_ROW", "20"))),
        keeping=_keeping(env),
    )
