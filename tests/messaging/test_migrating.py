"""The schema and the topics made ahead of a service, by a process that then ends."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from contracts.topics import TOPICS
from deploy.local import ports, topics
from deploy.local.databases import without_password
from deploy.local.services import ROOT
from services.messaging.settings import read_settings


def migrate(**environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "services.payments", "migrate"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_migrate_makes_schema_and_topics_and_ends(
    stack, fresh_databases: dict[str, str], namespace: str, tmp_path: Path
) -> None:
    """The password comes from a file, as a mounted secret does."""
    url = fresh_databases["payments"]
    secret = tmp_path / "payments"
    secret.write_text(f"{urlsplit(url).password}\n")
    environment = {
        "DATABASE_URL": without_password(url),
        "DATABASE_PASSWORD_FILE": str(secret),
        "KAFKA_BOOTSTRAP_SERVERS": stack.kafka,
        "CPTS_NAMESPACE": namespace,
        "CPTS_PARTITIONS": "3",
    }
    first = migrate(**environment)
    assert first.returncode == 0, first.stderr
    assert "payments: " in first.stderr, "it says how many migrations it applied"
    with psycopg.connect(url) as connection:
        made = connection.execute("select to_regclass('estimate'), to_regclass('outbox')")
        assert made.fetchone() == ("estimate", "outbox")
    bounds = topics.log_bounds(stack.kafka, namespace)
    wanted = [one.name for one in TOPICS if "payments" in (one.producer, *one.consumers)]
    assert sorted(bounds) == sorted(f"{namespace}{name}" for name in wanted)
    assert {len(partitions) for partitions in bounds.values()} == {3}

    again = migrate(**environment)
    assert again.returncode == 0, again.stderr
    assert "migrations applied" not in again.stderr


def test_migrate_fails_when_the_broker_is_away(fresh_databases: dict[str, str]) -> None:
    away = f"127.0.0.1:{ports.free_port()}"
    told = migrate(DATABASE_URL=fresh_databases["payments"], KAFKA_BOOTSTRAP_SERVERS=away)
    assert told.returncode != 0
    assert away in told.stderr


def test_a_password_of_a_file_replaces_the_one_of_the_address(tmp_path: Path) -> None:
    secret = tmp_path / "payments"
    secret.write_text("p@ss/word:é\n", "utf-8")
    given = {"KAFKA_BOOTSTRAP_SERVERS": "kafka:9092", "DATABASE_PASSWORD_FILE": str(secret)}
    for user in ("payments", "payments:old"):
        url = f"postgresql://{user}@postgres:5432/payments?sslmode=require"
        settings = read_settings("payments", {"DATABASE_URL": url, **given})
        assert settings.database_url == (
            "postgresql://payments:p%40ss%2Fword%3A%C3%A9@postgres:5432/payments?sslmode=require"
        )
