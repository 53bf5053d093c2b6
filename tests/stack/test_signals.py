"""A signal ends a command by an exception, wherever in the command it is heard."""

import signal
import subprocess
import sys

import pytest

from deploy.local.services import ROOT

HEARD_IN_A_DESTRUCTOR = """
import signal, sys, time
from deploy.local import processes

class Mortal:
    def __del__(self):
        signal.raise_signal(int(sys.argv[1]))

processes.end_by_exception_on_signals()
Mortal()
try:
    time.sleep(60)
finally:
    print("unwound")
"""


@pytest.mark.parametrize(
    ("heard", "code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 128 + signal.SIGTERM)]
)
def test_a_signal_heard_in_a_destructor_ends_the_command(heard: signal.Signals, code: int) -> None:
    ran = subprocess.run(
        (sys.executable, "-c", HEARD_IN_A_DESTRUCTOR, str(int(heard))),
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ran.returncode == code
    assert ran.stdout == "unwound\n"
    assert "Exception ignored" not in ran.stderr
