"""Ends an ephemeral instance when its owner is gone, however that ended.

Started beside the instance as `python -m deploy.local.watch FOLDER`, in a session of its own.
"""

import subprocess
import sys
import time
from pathlib import Path

from deploy.local import instance
from deploy.local.services import ROOT

LOOK_EVERY_SECONDS = 0.5


def watch(folder: Path) -> None:
    """Wait until the instance is gone, or its owner: then stop what runs and delete the data."""
    while (record := instance.load(folder)) is not None:
        if record.owner is None or not record.owner.is_running():
            instance.discard(folder)
            return
        time.sleep(LOOK_EVERY_SECONDS)


def start(folder: Path) -> None:
    """Start the process that watches over an instance of this process."""
    subprocess.Popen(
        [sys.executable, "-m", "deploy.local.watch", str(folder)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
