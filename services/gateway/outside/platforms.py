"""Which SAS platforms hear of appointments: the file that `CPTS_SAS_PLATFORMS` names.

[[platform]]
name = "sas-idf"
base = "https://sas.example.org/fhir"
region = "11"                       # or departements = ["75", "92"], or both
authority_file = "sas-ca.pem"       # paths are relative to this file
certificate_file = "gateway.pem"
key_file = "gateway.key"
regulator_when_unknown = "7d2d3a52-8a0c-4d8e-9a55-6d4bd7c0a001"
"""

import ipaddress
import os
import re
import ssl
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from contracts.departements import DEPARTEMENTS, REGION_NAMES, departements_by_code
from contracts.events.gateway import RegulatorIdentifier
from services.gateway.domain.declarations import Platform
from services.gateway.domain.naming import IDNPS, IDNPS_SYSTEM, INTRN, REGULATORS_SYSTEM
from services.gateway.outside.tls import client_context

VARIABLE = "CPTS_SAS_PLATFORMS"
_NAME = re.compile(r"[a-z0-9-]{1,40}")


class PlatformsUnfit(Exception):  # noqa: N818 - a sentence about the file
    """The file of the platforms cannot be followed; the message says which entry and why."""


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A platform as the file writes it."""

    name: str
    base: str
    departements: tuple[str, ...] = ()
    region: str | None = None
    authority_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    regulator_when_unknown: str | None = None


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    platform: tuple[_Entry, ...] = ()


def read_platforms(environment: Mapping[str, str] | None = None) -> tuple[Platform, ...]:
    """The platforms; none when no file is named. Raises `PlatformsUnfit`."""
    named = (os.environ if environment is None else environment).get(VARIABLE)
    if not named:
        return ()
    path = Path(named)
    try:
        file = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _File)
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise PlatformsUnfit(f"{path}: {error}") from error
    found = tuple(_platform(path, one) for one in file.platform)
    for what, values in (
        ("name", [one.name for one in found]),
        ("département", [code for one in found for code in one.departements]),
    ):
        twice = [value for value, count in Counter(values).items() if count > 1]
        if twice:
            raise PlatformsUnfit(f"{path}: the {what} {twice[0]} is of two platforms")
    return found


def _platform(path: Path, entry: _Entry) -> Platform:
    def refuse(why: str) -> PlatformsUnfit:
        return PlatformsUnfit(f"{path}: platform {entry.name!r}: {why}")

    if not _NAME.fullmatch(entry.name):
        raise refuse("a name has 1 to 40 of a-z, 0-9 and -")
    if not _is_safe(entry.base):
        raise refuse("base is an https address without query; http is for this machine alone")
    if (entry.certificate_file is None) != (entry.key_file is None):
        raise refuse("certificate_file and key_file come together")
    if entry.region is not None and entry.region not in REGION_NAMES:
        raise refuse(f"no région has the code {entry.region}")
    unknown = [code for code in entry.departements if code not in departements_by_code()]
    if unknown:
        raise refuse(f"no département has the code {unknown[0]}")
    of_region = [
        one.code
        for one in DEPARTEMENTS
        if entry.region is not None and one.region is not None and one.region.code == entry.region
    ]
    departements = tuple(dict.fromkeys([*of_region, *entry.departements]))
    if not departements:
        raise refuse("it has neither région nor département")
    files = [entry.authority_file, entry.certificate_file, entry.key_file]
    placed = [None if one is None else str(path.parent / one) for one in files]
    missing = [one for one in placed if one is not None and not Path(one).is_file()]
    if missing:
        raise refuse(f"there is no file {missing[0]}")
    platform = Platform(
        name=entry.name,
        base=entry.base.rstrip("/"),
        departements=departements,
        authority_file=placed[0],
        certificate_file=placed[1],
        key_file=placed[2],
        regulator_when_unknown=_regulator(entry.regulator_when_unknown, refuse),
    )
    try:
        client_context(platform.authority_file, platform.certificate_file, platform.key_file)
    except (ssl.SSLError, OSError) as error:
        raise refuse(f"its certificates cannot be used: {error}") from error
    return platform


def _regulator(
    value: str | None, refuse: Callable[[str], PlatformsUnfit]
) -> RegulatorIdentifier | None:
    """A UUID of the platform's, else a national identifier."""
    if value is None:
        return None
    if not re.fullmatch(r"[A-Za-z0-9._/:-]{1,80}", value):
        raise refuse("regulator_when_unknown is no identifier")
    try:
        UUID(value)
    except ValueError:
        return RegulatorIdentifier(kind=IDNPS, system=IDNPS_SYSTEM, value=value)
    return RegulatorIdentifier(kind=INTRN, system=REGULATORS_SYSTEM, value=value)


def _is_safe(base: str) -> bool:
    """Whether declarations may go there: encrypted, or without leaving the machine."""
    try:
        url = urlsplit(base)
        url.port  # noqa: B018 - raises when it is none
    except ValueError:
        return False
    if not url.hostname or url.query or url.fragment or url.username:
        return False
    if url.scheme == "https":
        return True
    try:
        return url.scheme == "http" and ipaddress.ip_address(url.hostname).is_loopback
    except ValueError:
        return False
