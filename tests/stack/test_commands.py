"""The commands behind the Justfile, on an instance whose services are stand-ins."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import instance, processes
from deploy.local.__main__ import main
from deploy.local.services import ROOT, SERVICES
from deploy.local.stack import Stack
from tests.stack.holding import hold
from tests.stack.stub_services import FAILING

COMMAND = [sys.executable, "-m", "tests.stack.just"]


def just(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_day_with_the_stack(own_home: Path) -> None:
    up = just("up")
    assert up.returncode == 0, up.stdout + up.stderr
    for service in SERVICES:
        assert f"  {service}" in up.stdout
    assert "/schema" in up.stdout
    assert re.search(r"^  console +http://127", up.stdout, re.MULTILINE)

    status = just("status")
    assert status.returncode == 0, status.stdout
    assert status.stdout.count("ready") == len((*SERVICES, "console"))

    sql = "select current_user || ' in ' || current_database()"
    assert "payments in payments" in just("psql", "payments", "-Atc", sql).stdout
    assert "no topic yet" in just("topics").stdout
    assert just("lag").returncode == 0

    told = just("dead-letters", "payments").stdout
    assert told.startswith("payments: 2\n")
    assert told.index("breach 7 in payments") < told.index("breach 6 in payments")
    assert "breach 6 in membership" in just("dead-letters").stdout
    assert just("replay", "payments", "7").returncode == 0
    refused = just("replay", "payments", "8")
    assert refused.returncode == 1
    assert "no such dead letter" in refused.stdout

    good, bad = own_home / "bon message.json", own_home / "bad.json"
    good.write_text("{}", "utf-8")
    bad.write_text("oops", "utf-8")
    assert just("ingest", str(good)).returncode == 0
    mixed = just("ingest", str(good), str(bad), str(own_home / "absent"))
    assert mixed.returncode == 1
    assert mixed.stdout.splitlines() == [
        f"{good}: accepted",
        f"{bad}: refused: 102 unreadable; no JSON",
        f"{own_home / 'absent'}: not read: No such file or directory",
    ]

    wider = just("up", "--instances", "referrals=2", "--departements", "payments=00-48/49-989/")
    assert wider.returncode == 0, wider.stdout + wider.stderr
    shown = just("status").stdout.splitlines()
    states = {line.split()[0]: line.split()[1] for line in shown}
    assert {"referrals-2": "ready", "payments-3": "ready"}.items() <= states.items()
    assert sum(state == "ready" for state in states.values()) == len((*SERVICES, "console")) + 3
    (payments,) = (line for line in shown if line.startswith("payments "))
    assert payments.endswith("for 00-48")
    assert just("logs", "payments-2").returncode == 0
    assert just("up", "--instances", "referrals=1").returncode == 0
    assert "referrals-2" not in just("status").stdout

    assert just("down").stdout.startswith("stopped: kafka, postgres, membership")
    assert just("down").stdout == "nothing was running\n"
    assert just("status").returncode == 1
    unanswered = just("reset")
    assert (unanswered.returncode, unanswered.stderr) == (1, "")
    assert unanswered.stdout.endswith("nothing was changed\n")
    assert just("reset", "--yes").returncode == 0
    assert list((own_home / "state").glob("*/instances/*")) == []


def test_two_ups_at_once_start_one_stack(own_home: Path) -> None:
    both = [
        subprocess.Popen(
            [*COMMAND, "up"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    told = [one.communicate(timeout=120) for one in both]
    assert [one.returncode for one in both] == [0, 0], told
    (folder,) = (own_home / "state").glob("*/instances/*")
    record = instance.load(folder)
    assert record is not None
    assert all(process.is_running() for process in record.processes.values())
    assert sum("Kafka: ready" in output for output, _ in told) == 1
    status = just("status")
    assert status.stdout.count("ready") == len((*SERVICES, "console")), status.stdout


def test_a_service_that_ends_is_named_with_its_last_lines(own_home: Path) -> None:
    up = just("up", **{FAILING: "indicators"})
    assert up.returncode == 1
    assert "indicators ended while starting" in up.stderr
    assert "indicators was told to fail" in up.stderr
    assert "to try:" in up.stderr
    status = just("status")
    assert status.returncode == 1
    assert "indicators  died" in status.stdout
    assert just("up").returncode == 0  # only what is missing is started
    assert just("status").returncode == 0


@pytest.mark.parametrize("command", ["psql payments", "topics", "lag", "status", "logs"])
def test_a_command_without_a_stack_says_what_to_run(own_home: Path, command: str) -> None:
    answer = just(*command.split())
    assert answer.returncode == 1
    assert "run `just up` first" in answer.stderr


def test_the_instance_of_a_running_process_is_looked_into_by_its_name(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", stack.kafka)
    monkeypatch.setenv("POSTGRES_URL", stack.admin_url)
    owner, folder = hold()
    try:
        status = just("status", "--instance", folder.name)
        assert status.stdout.startswith("membership  stopped")
        assert "no topic yet" in just("topics", "--instance", folder.name).stdout
        sql = "select current_user || ' in ' || current_database()"
        asked = just("psql", "payments", "-Atc", sql, CPTS_INSTANCE=folder.name)
        assert asked.stdout == f"payments in payments_{folder.name}\n"
        for command in (("up",), ("down",), ("reset", "--yes")):
            refused = just(*command, "--instance", folder.name)
            assert refused.returncode == 1
            assert f"{folder.name} belongs to the running process {owner.pid}" in refused.stderr
        assert owner.poll() is None
    finally:
        owner.kill()
        owner.wait()
    assert processes.wait_until(lambda: not folder.exists(), within_seconds=20)
    assert "run `just up` first" in just("status", "--instance", folder.name).stderr


def interrupted_up(moment: str) -> int:
    """Ctrl-C when `up` says what `moment` matches; its exit code."""
    up = subprocess.Popen(
        [*COMMAND, "up"], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert up.stdout is not None
    assert any(re.search(moment, line) for line in up.stdout)
    os.killpg(up.pid, signal.SIGINT)
    return up.wait(timeout=60)


def test_ctrl_c_at_any_moment_leaves_no_process_and_a_start_that_works(own_home: Path) -> None:
    for moment in ("PostgreSQL: making", "Kafka: (formatting|starting)", "Kafka: ready"):
        assert interrupted_up(moment) == 130
        (folder,) = (own_home / "state").glob("*/instances/*")
        assert instance.leftovers(folder) == []
    again = just("up")
    assert again.returncode == 0, again.stdout + again.stderr


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    commands = ("up", "down", "status", "logs", "reset", "psql", "topics", "lag")
    for command in (*commands, "dead-letters", "replay", "ingest"):
        with pytest.raises(SystemExit) as end:
            main([command, "--help"])
        assert end.value.code == 0
        assert capsys.readouterr().out.startswith(f"usage: just {command}")


@pytest.mark.parametrize(
    ("option", "told", "why"),
    [
        ("--instances", "payments=0", "a number of processes, from 1 to 16"),
        ("--instances", "payment=2", "one of membership, referrals"),
        ("--departements", "payments=00-48/49-990", "no département has the code '990'"),
    ],
)
def test_a_share_that_cannot_be_followed_says_why(
    option: str, told: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["up", option, told])
    assert why in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("lines", ["0", "-3", "ten", "1.5"])
def test_a_number_of_lines_is_whole_and_above_zero(
    lines: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["logs", "--lines", lines])
    assert end.value.code == 2
    assert f"--lines: '{lines}' is not a whole number above 0" in capsys.readouterr().err
