"""How the FHIR doors open: the file that `CPTS_DOORS` names.

host = "0.0.0.0"
port = 18443
certificate_file = "gateway.pem"        # paths are relative to this file
key_file = "gateway.key"
authority_file = "igc-sante.pem"        # who signs callers' certificates, up to the root
revocation_files = ["igc-sante.crl"]    # PEM or DER, read again when one changes

[[caller]]
name = "sas-idf"
common_name = "sas-idf.example.org"
organizational_unit = "318751275100020"
calls_per_second = 200
burst = 400
"""

import os
import re
import ssl
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import msgspec

from services.gateway.domain.callers import Caller
from services.gateway.outside.certificates import CertificatesUnfit, Register
from services.gateway.outside.tls import server_context

VARIABLE = "CPTS_DOORS"
INSECURE_VARIABLE = "CPTS_INSECURE_DEMO"
_NAME = re.compile(r"[a-z0-9-]{1,40}")


class DoorsUnfit(Exception):  # noqa: N818 - a sentence about the file
    """The file of the doors cannot be followed; the message says what is wrong in it."""


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    host: str = "127.0.0.1"
    port: int
    certificate_file: str
    key_file: str
    authority_file: str
    revocation_files: tuple[str, ...]
    caller: tuple[Caller, ...]


class Doors(msgspec.Struct, frozen=True, kw_only=True):
    """Where the doors listen, who we are there, who may call, and whose word is taken for it."""

    host: str
    port: int
    context: ssl.SSLContext
    register: Register
    callers: tuple[Caller, ...]


def is_insecure_demo(environment: Mapping[str, str] | None = None) -> bool:
    """Whether the doors answer anybody. Raises `DoorsUnfit` in production, for any other value
    than `1` or nothing too.
    """
    env = os.environ if environment is None else environment
    said = env.get(INSECURE_VARIABLE, "")
    if said not in ("", "1"):
        raise DoorsUnfit(f"{INSECURE_VARIABLE} is 1 or empty, not {said!r}")
    if said and env.get("CPTS_ENVIRONMENT") == "production":
        raise DoorsUnfit("in production no FHIR door opens without mutual TLS")
    return bool(said)


def read_doors(environment: Mapping[str, str] | None = None) -> Doors | None:
    """The doors; None when no file is named. Raises `DoorsUnfit`."""
    named = (os.environ if environment is None else environment).get(VARIABLE)
    if not named:
        return None
    path = Path(named)
    try:
        file = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _File)
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise DoorsUnfit(f"{path}: {error}") from error
    wrong = _wrong(file)
    if wrong:
        raise DoorsUnfit(f"{path}: {wrong}")
    here = path.parent
    try:
        register = Register(
            here / file.authority_file, [here / one for one in file.revocation_files]
        )
        context = server_context(
            here / file.authority_file, here / file.certificate_file, here / file.key_file
        )
    except (CertificatesUnfit, ssl.SSLError, OSError) as error:
        raise DoorsUnfit(f"{path}: its certificates cannot be used: {error}") from error
    return Doors(
        host=file.host, port=file.port, context=context, register=register, callers=file.caller
    )


def _wrong(file: _File) -> str | None:
    """What no reader of the file can follow, in words; None when there is nothing."""
    if not file.caller:
        return "there is no caller: nobody could pass"
    if not file.revocation_files:
        return "there is no revocation list: whom an authority took back could pass"
    for one in file.caller:
        if not _NAME.fullmatch(one.name):
            return f"caller {one.name!r}: a name has 1 to 40 of a-z, 0-9 and -"
        if not one.common_name or not one.organizational_unit:
            return f"caller {one.name!r}: common_name and organizational_unit are not empty"
        if one.calls_per_second <= 0 or one.burst < 1:
            return f"caller {one.name!r}: calls_per_second is above 0 and burst at least 1"
    names = Counter((one.common_name, one.organizational_unit) for one in file.caller)
    twice = [name for (name, _), count in names.items() if count > 1]
    if twice or len({one.name for one in file.caller}) < len(file.caller):
        return f"two callers have one name{f', {twice[0]}' if twice else ''}"
    return None
