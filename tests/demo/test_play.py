"""The demo itself, on a real Kafka and PostgreSQL: exact with a service killed in it, and every
sabotage seen.

Method: the command a person types, small; its exit code and `demo.json` are read. The sabotages
show that the comparison bites.
"""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from pypdf import PdfReader

from deploy.local import processes
from deploy.local.demo import orders, sabotage
from deploy.local.demo.__main__ import main
from deploy.local.demo.demands import referral_id
from deploy.local.demo.oracle import foresee
from deploy.local.demo.oracle_figures import outlook
from deploy.local.demo.sabotage import SABOTAGES, NothingToFalsifyError, saboteur
from deploy.local.demo.story import ENDS_AT, season
from deploy.local.jars import JarRefused, RepositoryOutOfReach
from deploy.local.processes import ComponentFailed
from deploy.local.services import CHAIN, ROOT
from deploy.local.stack import Stack

KEYS = {
    *("exact", "differences", "seed", "departements", "cpts", "demands", "appointments"),
    *("events", "variable_cents", "compared", "killed", "latency_ms", "recovery_seconds"),
    *("setup_seconds", "total_seconds"),
}
WITHIN_SECONDS = 300
SMALL = ("--departements", "1", "--demands", "120")

# What each sabotage makes wrong, and where. Those of one run leave each other's places alone.
SABOTAGES_OF_A_RUN = [
    {
        "fact-dropped": ("faits", "/sas_demandes_avec_rdv/"),
        "direction-lost": ("centimes", "95-haut-val/"),
        "balance-lost": ("échéance", "95-trois-forets/.*acces_aux_soins:fixe:balance$"),
        "ceiling-of-one-cpts": ("plafond", "/2025/paid_cents$"),
        "report-misread": ("virement", "95-plaine-vallee/membres-2/[0-9]+/state$"),
        "visa-outlived": ("niveau", "95-haut-val/2025-04-01/prevention_participants/visa$"),
    },
    {
        "fact-twice": ("faits", "/sas_demandes_avec_rdv/"),
        "cap-forgotten": ("centimes", "95-trois-forets/"),
        "recovery-forgiven": ("échéance", "95-parisis-ouest/.*:recovery"),
        "use-misfiled": ("emploi", "95-haut-val/2025/locaux$"),
        "lettre-lost": ("lettre", "95-ysieux/lettre$"),
        "level-forgotten": ("centimes", "95-haut-val/2025-04-01$"),
    },
    {
        "member-late": ("faits", "/worklists/attribution/no_cpts"),
        "hold-lifted": ("échéance", "95-trois-forets/.*:fixe:advance$"),
        "settled-by-estimate": ("arrêté", "95-plaine-vallee/.*/settled"),
        "rejection-ignored": ("virement", "95-parisis-est/lot-1/state$"),
        "silence-longer": ("projet", "95-plaine-de-france/projet-2$"),
        "evidence-lost": ("pièce", "95-haut-val/g0-emargement$"),
        "agreement-invented": ("arrêté", "95-parisis-est/2025-02-01/settled$"),
    },
    {
        "cancellation-ignored": ("faits", "/sas_demandes_avec_rdv/"),
        "decision-ignored": ("attribution", "hub-day-before$"),
        "wrong-taille": ("échéance", "95-trois-forets/.*fonctionnement:signature"),
        "adjustment-forgotten": ("échéance", "95-plaine-vallee/.*/adjustment:"),
        "structure-left-behind": ("demande", f"{referral_id('V-13')}/state$"),
        "overpayment-forgiven": ("virement", "95-parisis-ouest/lot-2/amount_cents$"),
        "structure-ignored": ("demande", f"{referral_id('F-4')}/state$"),
    },
    {
        "line-of-a-file-lost": ("ligne", "95-plaine-vallee/2025-09-15/groupes$"),
        "association-misread": ("association", "95-haut-val/siege$"),
        "activity-forgotten": ("chiffre", "/prevention_participants/"),
        "advance-twice": ("échéance", "95-trois-forets/.*:fixe:advance:2$"),
        "deadline-put-off": ("délai", "95-haut-val/.*/prevention/start$"),
        "merger-forgotten": ("faits", "95-rive/sas_demandes_avec_rdv/2025-11-01$"),
        "split-forgotten": ("demande", f"{referral_id('V-7')}/cpts_id$"),
    },
]


def environment(stack: Stack) -> dict[str, str]:
    """The demo on the session's servers, under names of its own."""
    return os.environ | {
        "KAFKA_BOOTSTRAP_SERVERS": stack.kafka,
        "POSTGRES_URL": stack.admin_url,
    }


@contextmanager
def demo(stack: Stack, var: Path, *options: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "deploy.local.demo", "--var", str(var), *options]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(stack),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


def played(stack: Stack, var: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the result of a small demo; only its JSON may be on the standard output."""
    with demo(stack, var, "--json", *options) as process:
        output, errors = process.communicate(timeout=WITHIN_SECONDS)
    assert output, errors
    result = json.loads(output)
    assert result == json.loads((var / "demo.json").read_text())
    return process.returncode, result


@pytest.mark.parametrize(
    ("service", "departements"),
    [
        pytest.param("membership", 1, marks=pytest.mark.thorough),
        pytest.param("referrals", 3, marks=pytest.mark.thorough),
        pytest.param("indicators", 1, marks=pytest.mark.thorough),
        ("payments", 1),
    ],
)
def test_a_season_is_exact_whichever_service_is_killed_in_it(
    stack: Stack, tmp_path: Path, service: str, departements: int
) -> None:
    seed = CHAIN.index(service) + 1
    told = ("--departements", str(departements), "--demands", "150", "--seed", str(seed))
    code, result = played(stack, tmp_path, *told, "--kill", service)
    assert result["differences"] == []
    assert (code, result["exact"]) == (0, True)
    assert result.keys() >= KEYS
    assert result["killed"]["service"] == service
    assert result["killed"]["transactions_rolled_back"] >= 1
    assert result["latency_ms"].keys() == {"p50", "p95", "p99", "samples"}
    assert result["latency_ms"]["samples"] > 0
    assert result["departements"] == departements
    assert totals_of(result) == foreseen_totals(tmp_path)
    assert result["compared"]["dues"] > result["compared"]["held"] > 0
    assert result["compared"]["settled"] > 0
    assert result["compared"]["adjusted"] > 0
    if departements == 3:
        assert (result["compared"]["settled"], result["compared"]["adjusted"]) == (9, 9)


def totals_of(result: dict[str, Any]) -> tuple[int, int, int]:
    return result["demands"], result["appointments"], result["variable_cents"]


def foreseen_totals(var: Path) -> tuple[int, int, int]:
    """The same, as the oracle has them from the recorded orders."""
    oracle = foresee(orders.read(var / "demo-orders.jsonl"), ENDS_AT)
    accepted = [one for one in oracle.referrals.values() if one.accepted_at is not None]
    return (
        len(oracle.referrals),
        len(accepted) + len(oracle.appointments),
        sum(outlook(oracle).cents.values()),
    )


@pytest.mark.thorough
def test_two_demos_at_once_from_one_checkout_are_both_exact(stack: Stack, tmp_path: Path) -> None:
    with (
        demo(stack, tmp_path, *SMALL, "--seed", "31", "--json") as silent,
        demo(stack, tmp_path, *SMALL, "--seed", "41") as viewed,
    ):
        result = json.loads(silent.communicate(timeout=WITHIN_SECONDS)[0])
        view, errors = viewed.communicate(timeout=WITHIN_SECONDS)
    assert (silent.returncode, result["seed"], result["differences"]) == (0, 31, [])
    assert viewed.returncode == 0, view + errors
    assert asked_in_view(view) == asked_of_each_cpts(seed=41)
    assert steps_in(view) == ["compte", "envoie", "estime"]
    assert json.loads((tmp_path / "demo.json").read_text())["seed"] in {31, 41}
    assert {path.name for path in tmp_path.iterdir()} == {"demo.json", "demo-orders.jsonl"}


def steps_in(view: str) -> list[str]:
    """The last steps of the demand whose way is shown."""
    way = view.partition("Le chemin d'une demande")[2]
    told = re.findall(r"^ (?:referrals|indicators|payments) +(\w+) ", way, re.MULTILINE)
    return told[-3:]


def asked_in_view(view: str) -> dict[str, int]:
    """The demands of each CPTS, as the last view told them."""
    shown = re.findall(r"^  95 (.+) \(T\d\) : (\d+) demandes", view, re.MULTILINE)
    return {name: int(demands) for name, demands in shown}


def asked_of_each_cpts(seed: int) -> dict[str, int]:
    """The same, as the oracle counts them in the orders of a small season."""
    told = season(seed=seed, departements=1, demands=120)
    oracle = foresee(told.orders, ENDS_AT)
    asked = Counter(one.cpts_id for one in oracle.referrals.values())
    return {one.cpts_name: asked[one.cpts_id] for one in told.cast}


def test_a_cpts_goes_through_a_whole_year_and_every_sum_is_the_expected_one(
    stack: Stack, tmp_path: Path
) -> None:
    with demo(stack, tmp_path, "--year") as process:
        output, errors = process.communicate(timeout=WITHIN_SECONDS)
    assert process.returncode == 0, output + errors
    assert "EXACT" in output
    statement = PdfReader(tmp_path / "year" / "etat-annee-2026.pdf").pages[0].extract_text()
    assert "17\u202f100,00" in statement, statement
    for name in ("974000002FEC20271231.txt", "lignes-2026.xlsx", "pain.001.xml", "versements.xlsx"):
        assert (tmp_path / "year" / name).stat().st_size > 0


def test_the_death_of_another_component_is_told_at_once(stack: Stack, tmp_path: Path) -> None:
    with demo(stack, tmp_path, *SMALL, "--rate", "20", "--kill", "referrals") as process:
        wait_until_it_plays(process)
        child = service_process(process.pid, "payments")
        child.kill()
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "payments died in the course of the season" in errors
    assert "last lines of" in errors
    assert "to try: " in errors
    assert "Traceback" not in errors


def wait_until_it_plays(process: "subprocess.Popen[str]") -> None:
    """The first line of the view comes when the season is under way."""
    assert process.stdout is not None
    assert any(" ordres" in line and "·" in line for line in process.stdout)


def service_process(pid: int, service: str) -> psutil.Process:
    """The process of a service that a demo started."""
    children = psutil.Process(pid).children(recursive=True)
    return next(one for one in children if f"services.{service}" in " ".join(one.cmdline()))


FAILURES = [
    ComponentFailed("Kafka", "ended while starting", None, "look at it"),
    RepositoryOutOfReach("no repository answers"),
    NothingToFalsifyError("nothing of the kind"),
    JarRefused("a jar is another one"),
    OSError("no space left"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda one: type(one).__name__)
def test_what_cannot_start_ends_with_a_sentence(
    failure: Exception,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_stack: Stack) -> None:
        raise failure

    monkeypatch.setattr(Stack, "__enter__", fail)
    monkeypatch.setattr(processes, "end_by_exception_on_signals", lambda: None)
    assert main([*SMALL, "--seed", "1", "--var", str(tmp_path)]) == 1
    assert str(failure) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "what"),
    [
        *(("--rate", value, "a number") for value in ("0", "-1", "nan", "inf", "fast")),
        *(("--demands", value, "a whole number") for value in ("0", "-3", "1.5", "many")),
    ],
)
def test_an_option_that_cannot_be_is_told_before_anything_starts(
    option: str, value: str, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main([option, value])
    assert end.value.code == 2
    assert f"{option}: '{value}' is not {what} above 0" in capsys.readouterr().err


def test_every_sabotage_is_played_once() -> None:
    played_once = [name for one in SABOTAGES_OF_A_RUN for name in one]
    assert sorted(played_once) == sorted(SABOTAGES)


@pytest.mark.parametrize(
    ("seed", "sabotages"),
    [
        pytest.param(11 + n, one, id="+".join(one), marks=pytest.mark.thorough if n > 1 else ())
        for n, one in enumerate(SABOTAGES_OF_A_RUN)
    ],
)
def test_each_sabotage_is_seen_where_it_was_done(
    stack: Stack, tmp_path: Path, seed: int, sabotages: dict[str, tuple[str, str]]
) -> None:
    options = [word for name in sabotages for word in ("--sabotage", name)]
    code, result = played(stack, tmp_path, *SMALL, "--seed", str(seed), *options)
    assert (code, result["exact"]) == (1, False)
    unseen = [
        name
        for name, (what, where) in sabotages.items()
        if not any(
            one["what"] == what and re.search(where, one["where"]) for one in result["differences"]
        )
    ]
    assert not unseen, result["differences"]
    if {"cap-forgotten", "direction-lost"} & sabotages.keys():
        assert totals_of(result)[-1] != foreseen_totals(tmp_path)[-1]


class Barren:
    """A database in which there is nothing to falsify."""

    async def fetchrow(self, _query: str) -> None:
        return None

    async def fetch(self, _query: str, *_arguments: Any) -> list[Any]:
        return []

    async def execute(self, _query: str, *_arguments: Any) -> str:
        return "UPDATE 0"

    def acquire(self) -> nullcontext["Barren"]:
        return nullcontext(self)

    def transaction(self) -> nullcontext[None]:
        return nullcontext()


SEEKING = sorted(SABOTAGES.keys() - {"cap-forgotten", "wrong-taille"})


@pytest.mark.parametrize("name", SEEKING)
async def test_a_sabotage_that_finds_nothing_gives_up_after_the_last_order(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sabotage, "FINDS_WITHIN_SECONDS", 0.05)
    chain: Any = SimpleNamespace(databases=defaultdict(Barren))
    driver: Any = SimpleNamespace(passed=lambda _share: asyncio.sleep(0))
    async with asyncio.timeout(5):
        with pytest.raises(NothingToFalsifyError, match=name):
            await saboteur(name)(chain, driver)


def test_ctrl_c_stops_everything(stack: Stack, tmp_path: Path) -> None:
    with demo(stack, tmp_path, *SMALL, "--rate", "20") as process:
        wait_until_it_plays(process)
        started = psutil.Process(process.pid).children(recursive=True)
        assert len(started) >= 4
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    _, alive = psutil.wait_procs(started, timeout=10)
    assert alive == []
