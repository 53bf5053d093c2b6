"""Turn the public register of communes into the compact tables that the product ships.

    uv run python -m deploy.data.build_communes             write the tables
    uv run python -m deploy.data.build_communes --check     compare them with those committed

The source is one release of the npm package `@etalab/decoupage-administratif`, checked against its
published SHA-512. The tables are plain sorted text and depend on nothing but that release, so the
same bytes come out on every machine and a change of vintage reads as a diff.
"""

import argparse
import base64
import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from contracts.departements import by_code, departement_of_commune

PACKAGE: Final = "@etalab/decoupage-administratif"
VERSION: Final = "6.0.0"
TARBALL_URL: Final = f"https://registry.npmjs.org/{PACKAGE}/-/decoupage-administratif-{VERSION}.tgz"
TARBALL_SHA512: Final = (
    "XavYsFlbcM/prKr8hNHPKER94IHw/dsxNM4nxjWMYk6PLFACpEedvn/7wK8Baozm0dCYhWWcf+7bcWpA5pmCaQ=="
)
DOWNLOAD_SECONDS_MAX: Final = 60

HEADER: Final = f"""\
# {{title}}
# Source : INSEE (code officiel géographique 2026, populations municipales 2023, Mayotte 2017),
#   DGCL (EPCI à fiscalité propre 2026), par Etalab : npm {PACKAGE} {VERSION}
# Licence des données : Licence Ouverte (Etalab). Ne pas modifier à la main : voir README.md
# {{columns}}
"""

# The package does not know these two; INSEE gives the change of 2007 on
# https://www.insee.fr/fr/information/2028040.
CODES_BEFORE_THEIR_COLLECTIVITY: Final[Mapping[str, str]] = {
    "97123": "97701",  # Saint-Barthélemy
    "97127": "97801",  # Saint-Martin
}

DATA_DIRECTORY: Final = Path(__file__).resolve().parents[2] / "contracts" / "data"

Rows = list[dict[str, Any]]


class SourceError(Exception):
    """The package is not the one expected, or says something the tables cannot hold."""


def download() -> bytes:
    """The package's tarball from the npm registry; httpx.HTTPError when it cannot be fetched."""
    response = httpx.get(TARBALL_URL, timeout=DOWNLOAD_SECONDS_MAX, follow_redirects=True)
    response.raise_for_status()
    return response.content


def build(tarball: bytes) -> dict[str, bytes]:
    """The content of each table, by file name; SourceError when the tarball is not the release."""
    found = base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    if found != TARBALL_SHA512:
        raise SourceError(f"the tarball's SHA-512 is {found}, not {TARBALL_SHA512}")
    places = _read_json(tarball, "communes.json")
    groups = _read_json(tarball, "epci.json")
    return {
        "communes.tsv": _communes_table(places, groups),
        "epci.tsv": _epci_table(groups),
        "previous_codes.tsv": _previous_codes_table(places),
    }


def _read_json(tarball: bytes, name: str) -> Rows:
    with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as archive:
        member = archive.extractfile(f"package/data/{name}")
        if member is None:
            raise SourceError(f"the package has no data/{name}")
        rows: Rows = json.load(member)
    return rows


def _communes_table(places: Rows, groups: Rows) -> bytes:
    """Communes and arrondissements; an arrondissement belongs to the EPCI of its city."""
    epci_of = {member["code"]: group["code"] for group in groups for member in group["membres"]}
    rows = []
    for place in places:
        if place["type"] not in {"commune-actuelle", "arrondissement-municipal"}:
            continue
        code = place["code"]
        if departement_of_commune(code) != by_code(place["departement"]).code:
            raise SourceError(f"{code} is in {place['departement']}, which its code does not say")
        city = place.get("commune", "")
        population = place.get("population")
        rows.append(
            (
                code,
                place["nom"],
                place["departement"],
                epci_of.get(city or code, ""),
                city,
                "" if population is None else str(population),
            )
        )
    return _table(
        "Communes et arrondissements municipaux (population vide : inconnue)",
        ("code", "nom", "departement", "epci", "commune de l'arrondissement", "population"),
        rows,
    )


def _epci_table(groups: Rows) -> bytes:
    return _table(
        "Établissements publics de coopération intercommunale (EPCI) à fiscalité propre",
        ("siren", "nom"),
        ((group["code"], group["nom"]) for group in groups),
    )


def _previous_codes_table(places: Rows) -> bytes:
    """Codes that are no commune's today, with the commune that holds the place now.

    Where the register of today (associée, déléguée) and history disagree, today's stands: a commune
    that left another one may have taken the code with it and left part of the place behind.
    """
    present = {place["code"] for place in places if place["type"] == "commune-actuelle"}
    arrondissements = {place["code"] for place in places if "commune" in place}
    holder_of = dict(CODES_BEFORE_THEIR_COLLECTIVITY)
    for place in places:
        holder_of.update(dict.fromkeys(place.get("anciensCodes", ()), place["code"]))
    for place in places:
        if place["type"] in {"commune-associee", "commune-deleguee"}:
            holder_of[place["code"]] = place["chefLieu"]
    if strangers := set(holder_of.values()) - present:
        raise SourceError(f"old codes lead to {sorted(strangers)}, which are no communes")
    rows = ((old, new) for old, new in holder_of.items() if old not in present | arrondissements)
    return _table(
        "Codes des communes associées, déléguées et anciennes", ("code", "commune actuelle"), rows
    )


def _table(title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> bytes:
    """The rows sorted by their first column, which must be unique, under a header."""
    lines = sorted(rows)
    if len({row[0] for row in lines}) != len(lines):
        raise SourceError(f"{title}: a code occurs twice")
    if any("\t" in field or "\n" in field for row in lines for field in row):
        raise SourceError(f"{title}: a field holds a tab or a line break")
    header = HEADER.format(title=title, columns="\t".join(columns))
    return (header + "".join("\t".join(row) + "\n" for row in lines)).encode()


def main() -> int:
    """Write or check the tables; 0 when they stand, 1 when they differ or cannot be made."""
    parser = argparse.ArgumentParser(description="Build the tables of communes of contracts/data.")
    parser.add_argument("--tarball", type=Path, help="a copy of the package instead of the network")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    arguments = parser.parse_args()
    try:
        tables = build(arguments.tarball.read_bytes() if arguments.tarball else download())
    except (SourceError, httpx.HTTPError, OSError) as error:
        print(f"no table made: {error}", file=sys.stderr)
        return 1
    differing = []
    for name, content in tables.items():
        path = DATA_DIRECTORY / name
        if not arguments.check:
            path.write_bytes(content)
        elif not path.is_file() or path.read_bytes() != content:
            differing.append(name)
            continue
        print(f"{path.name}: {len(content)} bytes, {hashlib.sha256(content).hexdigest()}")
    if differing:
        print(f"differ from what the package gives: {', '.join(differing)}", file=sys.stderr)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
