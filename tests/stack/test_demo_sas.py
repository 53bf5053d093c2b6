"""`just demo --sas`: a regional platform connects, step by step, to the euro."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.local import certs, rabbitmq
from deploy.local.demo import sas, sas_hub
from deploy.local.services import ROOT
from deploy.local.stack import Stack

LEFT_OUT = "LAISSÉE DE CÔTÉ"


def test_each_step_is_as_it_must_be_and_the_last_is_the_euro(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", stack.kafka)
    monkeypatch.setenv("POSTGRES_URL", stack.admin_url)
    told = subprocess.run(
        [sys.executable, "-m", "deploy.local.demo", "--sas"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    places = [told.stdout.index(f"  {number}. ") for number in range(1, 9)]
    assert places == sorted(places)
    assert "200,00 € après" in told.stdout
    assert "POST /fhir/Appointment : booked" in told.stdout
    assert " : fulfilled" in told.stdout
    has_hub = rabbitmq.server() is not None
    assert ("<- RC-REF" in told.stdout, LEFT_OUT in told.stdout) == (has_hub, not has_hub)
    assert told.stdout.splitlines()[-1].startswith("EXACT : ")


def test_without_rabbitmq_the_step_of_the_hub_is_left_out_and_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rabbitmq, "PLACES", ())
    certs.make(tmp_path / "certs")
    said: list[str] = []
    tale: Any = type("Tale", (), {"say": staticmethod(said.append)})
    with sas_hub.hub_in(tmp_path, tmp_path / "certs") as hub:
        sas.confirm(tale, hub, "r-1", {})
    assert LEFT_OUT in said[0]
