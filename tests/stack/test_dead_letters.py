"""Goal: one dead letter is made, shown and replayed, with the commands a person types.

Method: the five real services on the session's servers; what breaks is put on the log, or broken
in a database, from outside.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
from aiokafka import AIOKafkaProducer

from contracts.departements import partition_of
from contracts.events.membership import CptsRegistered
from contracts.recorded import Cause, record
from contracts.topics import MEMBERSHIP
from deploy.local import processes
from deploy.local.services import ROOT
from deploy.local.stack import Stack
from services.messaging.codec import encode_headers
from services.messaging.outbox import make_rows
from tests.stack.conftest import PARTITIONS

YEAR = "2026-01-01"
DOCTOR = "810000000033"
WITHIN_SECONDS = 30


def just(platform: Stack, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "deploy.local", *arguments],
        cwd=ROOT,
        env=os.environ | {"CPTS_INSTANCE": platform.name},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def letters_of(platform: Stack, service: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{platform.http_urls[service]}/dead-letters")
    return list(answer.raise_for_status().json()["items"])


def order(platform: Stack, path: str, **body: Any) -> None:
    """An order to membership."""
    url = f"{platform.http_urls['membership']}{path}"
    answer = httpx.post(url, json=body, headers={"Acting-Role": "system"}, timeout=20)
    assert answer.is_success, answer.text


def doctors(platform: Stack, cpts_id: str) -> int | None:
    """The doctors taking part, as indicators counts them; None before there is a figure."""
    path = f"/cpts/{cpts_id}/figures/sas_medecins_participants/{YEAR}"
    answer = httpx.get(f"{platform.http_urls['indicators']}{path}")
    return int(answer.json()["value"]) if answer.is_success else None


def comes_true(what: Callable[[], bool]) -> bool:
    return processes.wait_until(what, within_seconds=WITHIN_SECONDS)


async def test_a_record_that_breaks_the_contract_is_shown_with_its_reason(
    platform: Stack,
) -> None:
    at = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
    event = CptsRegistered(cpts_id="broken", cpts_name="CPTS", seat_commune="95018")
    made = record(
        [event],
        subject="broken",
        after_sequence=0,
        departement="95",
        occurred_at=at,
        cause=Cause(id="test:broken", recorded_at=at),
    )
    (row,) = make_rows(made, PARTITIONS)
    async with AIOKafkaProducer(bootstrap_servers=platform.kafka) as producer:
        await producer.send_and_wait(
            f"{platform.namespace}{MEMBERSHIP.name}",
            b'{"type":"membership.CptsRegistered.v1","cpts_id":"broken"}',
            key=b"95",
            partition=partition_of("95", PARTITIONS),
            headers=encode_headers("membership", row),
        )
    consumers = MEMBERSHIP.consumers
    assert comes_true(lambda: all(letters_of(platform, one) for one in consumers))
    shown = just(platform, "dead-letters")
    assert shown.returncode == 0, shown.stderr
    for service in consumers:
        assert f"{service}: 1\n" in shown.stdout
    assert shown.stdout.count("Object missing required field `cpts_name`") == len(consumers)
    assert "membership: 0\n" in shown.stdout

    (letter,) = letters_of(platform, "payments")
    refused = just(platform, "replay", "payments", str(letter["id"]))
    assert refused.returncode == 1
    assert "not replayed: still_undecodable" in refused.stdout
    assert len(letters_of(platform, "payments")) == 1


def test_a_dead_letter_is_replayed_once_its_cause_is_mended_and_has_its_effect(
    platform: Stack,
) -> None:
    before = {letter["id"] for letter in letters_of(platform, "indicators")}
    order(platform, "/cpts", cpts_id="mended", cpts_name="CPTS", seat_commune="95018")
    order(
        platform,
        "/cpts/mended/territory",
        entry_id="place",
        commune="95018",
        from_on=YEAR,
    )
    order(
        platform,
        "/cpts/mended/members",
        member_id="doctor",
        rpps=DOCTOR,
        profession="10",
        from_on=YEAR,
    )
    order(platform, "/cpts/mended/aci", aci_id="aci", signed_on=YEAR, starts_on=YEAR)
    assert comes_true(lambda: doctors(platform, "mended") == 0)

    with psycopg.connect(platform.database_urls["indicators"], autocommit=True) as broken:
        broken.execute("alter table participation rename to participation_mislaid")
        order(
            platform,
            "/cpts/mended/participations",
            participation_id="way",
            rpps=DOCTOR,
            way="own_office",
            from_on=YEAR,
        )
        assert comes_true(
            lambda: {one["id"] for one in letters_of(platform, "indicators")} > before
        )
        broken.execute("alter table participation_mislaid rename to participation")

    shown = just(platform, "dead-letters", "indicators")
    assert 'relation "participation" does not exist' in shown.stdout.replace('\\"', '"')
    assert doctors(platform, "mended") == 0
    (new,) = {one["id"] for one in letters_of(platform, "indicators")} - before
    replayed = just(platform, "replay", "indicators", str(new))
    assert replayed.stdout == f"indicators: dead letter {new} replayed\n"
    assert doctors(platform, "mended") == 1
    assert {one["id"] for one in letters_of(platform, "indicators")} == before
    again = just(platform, "replay", "indicators", str(new))
    assert again.returncode == 1
    assert "already_replayed" in again.stdout
