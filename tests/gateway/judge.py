"""The independent FHIR validator with the SAS profiles (`../shared/tools/fhir-validate`), if there.

One start of its virtual machine judges any number of bodies.
"""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BESIDE = Path(__file__).parents[3] / "shared"
VALIDATOR = BESIDE / "tools" / "fhir-validate" / "fhir-validate"
EXAMPLES = BESIDE / "interop" / "sas-fhir" / "examples"
UNABLE = 2
SPOKEN = ("code", "system", "url", "profile", "status", "resourceType", "mode", "relation", "type")

_heard: dict[Any, Any] = {}


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


def hear(body: Any) -> None:
    """A body that we served or sent: one of each shape is judged when the session ends."""
    _heard.setdefault(_shape("", body), body)


def _shape(name: str, value: Any) -> Any:
    """What of a body the profiles can judge: which elements it has, and its codes (no query)."""
    if isinstance(value, dict):
        return frozenset((key, _shape(key, one)) for key, one in value.items())
    if isinstance(value, list):
        return frozenset(_shape(name, one) for one in value)
    return value if name in SPOKEN and "?" not in str(value) else bool(value)


@contextmanager
def judging() -> Iterator[None]:
    """All that is heard meanwhile satisfies base R4 and the profile that it names."""
    yield
    if _heard and VALIDATOR.exists():
        bodies = {f"body-{number}": one for number, one in enumerate(_heard.values())}
        with tempfile.TemporaryDirectory() as folder:
            found = errors_in(bodies, Path(folder))
        assert not found, found
