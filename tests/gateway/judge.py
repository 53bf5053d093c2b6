"""The independent FHIR validator with the SAS profiles (`../shared/tools/fhir-validate`), if there.

One start of its virtual machine judges any number of bodies.
"""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BESIDE = Path(__file__).parents[3] / "shared"
VALIDATOR = BESIDE / "tools" / "fhir-validate" / "fhir-validate"
EXAMPLES = BESIDE / "interop" / "sas-fhir" / "examples"
UNABLE = 2


def errors_in(bodies: Mapping[str, Any], folder: Path) -> list[str]:
    """What the validator finds wrong in bodies, by their names; AssertionError if it cannot run."""
    for name, body in bodies.items():
        (folder / f"{name}.json").write_text(json.dumps(body), "utf-8")
    done = subprocess.run(
        [str(VALIDATOR), "--level", "error", "--json", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != UNABLE, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert bool(found) == (done.returncode == 1), done.stdout + done.stderr
    return [f"{Path(one['file']).stem}: {one['location']}: {one['message']}" for one in found]
