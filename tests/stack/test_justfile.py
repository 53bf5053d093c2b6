"""The Justfile as a person uses it: `uv run just …`, the whole chain of processes."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from deploy.local import checks, instance
from deploy.local.services import ROOT

UV = os.environ.get("UV") or shutil.which("uv")
pytestmark = pytest.mark.skipif(UV is None, reason="uv is not installed here")
DEMO = ("demo", "--departements", "1", "--demands", "120", "--rate", "20")


def just(*arguments: str) -> list[str]:
    return [str(UV), "run", "just", *arguments]


def answer(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        just(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def test_every_recipe_is_explained_and_passes_its_options_on() -> None:
    dumped = answer("--dump", "--dump-format", "json")
    recipes = json.loads(dumped.stdout)["recipes"].values()
    public = [recipe for recipe in recipes if not recipe["private"]]
    assert len(public) > 15
    for recipe in public:
        assert recipe["doc"], recipe["name"]
        assert [one["kind"] for one in recipe["parameters"]] == ["star"], recipe["name"]
        assert '"$@"' in str(recipe["body"]), recipe["name"]


@pytest.mark.parametrize("recipe", ["check", "lock-jars"])
def test_a_recipe_without_arguments_explains_itself_too(recipe: str) -> None:
    told = answer(recipe, "--help")
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith(f"usage: just {recipe}")


def test_check_says_which_checks_there_are() -> None:
    told = answer("check", "taste")
    assert told.returncode == 2
    assert "no check is called taste; there are style, format, types" in told.stderr


def test_check_runs_every_check_and_fails_when_one_does(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    python = (sys.executable, "-c")
    made = {"bad": (*python, "raise SystemExit(3)"), "good": (*python, "print('all is well')")}
    monkeypatch.setattr(checks, "CHECKS", made)
    assert checks.main([]) == 1
    told = capfd.readouterr()
    assert "all is well" in told.out
    assert told.err == "not as it should be: bad\n"
    assert checks.main(["good"]) == 0


@pytest.mark.parametrize(
    ("recipe", "moment", "at_least"),
    [(DEMO, r"· \d+/\d+ ordres", 6), (("up",), "membership: ready", 5)],
    ids=["demo under way", "services starting"],
)
def test_ctrl_c_stops_the_whole_chain(
    own_home: Path, recipe: tuple[str, ...], moment: str, at_least: int
) -> None:
    """SIGINT to the foreground process group, which is what a terminal sends."""
    var = ("--var", str(own_home)) if recipe == DEMO else ()
    with subprocess.Popen(
        just(*recipe, *var),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as chain:
        assert chain.stdout is not None
        said = []
        for line in chain.stdout:
            said.append(line)
            if re.search(moment, line):
                break
        started = psutil.Process(chain.pid).children(recursive=True)
        (folder,) = (own_home / "state").glob("*/*/*")
        components = instance.leftovers(folder)
        os.killpg(chain.pid, signal.SIGINT)
        said += chain.stdout.readlines()
        assert chain.wait(timeout=60) == 130, "".join(said)
    assert len(components) >= at_least, "".join(said)
    _, alive = psutil.wait_procs([*started, *components], timeout=20)
    assert alive == []
    assert instance.leftovers(folder) == []
