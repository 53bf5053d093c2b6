"""Files of the national directory: which extract each is, and its bytes as they are sent."""

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import IO, NamedTuple

CHUNK_BYTES = 256 * 1024
FIRST_LINE_BYTES_MAX = 16_384
PROFESSIONALS, STRUCTURES = "professionals", "structures"
_MEMBER = re.compile(r"PS_LibreAcces_Personne_activite.*\.txt|etalab.*\.csv", re.IGNORECASE)
_DAY = re.compile(r"_(20\d{2})(\d{2})(\d{2})\d{0,4}\.")


class BadFile(Exception):  # noqa: N818  (a sentence about the world)
    """A file that is no extract of the directory; the message says why, in French."""


class Extract(NamedTuple):
    """An open extract: its kind, the day in its name, its bytes and how many they are."""

    kind: str
    taken_on: date | None
    content: IO[bytes]
    size: int


@contextmanager
def opened(path: Path) -> Iterator[Extract]:
    """An extract as it was downloaded, in its ZIP or out of it. Raises `BadFile` or OSError."""
    if not zipfile.is_zipfile(path):
        with path.open("rb") as content:
            yield _extract(path.name, content, path.stat().st_size)
        return
    with zipfile.ZipFile(path) as archive:
        members = [one for one in archive.infolist() if _MEMBER.fullmatch(Path(one.filename).name)]
        if len(members) != 1:
            raise BadFile(f"{path} : contient {len(members)} extraits connus, un seul est attendu")
        with archive.open(members[0]) as content:
            yield _extract(members[0].filename, content, members[0].file_size)


def chunks(content: IO[bytes]) -> Iterator[bytes]:
    """The bytes, some at a time."""
    while chunk := content.read(CHUNK_BYTES):
        yield chunk


def _extract(name: str, content: IO[bytes], size: int) -> Extract:
    first = content.readline(FIRST_LINE_BYTES_MAX).removeprefix(b"\xef\xbb\xbf")
    content.seek(0)
    if first.count(b"|") > 1:
        kind = PROFESSIONALS
    elif first.startswith(b"finess;"):
        kind = STRUCTURES
    else:
        raise BadFile(f"{name} : n'est ni un extrait de l'Annuaire Santé ni un extrait FINESS")
    return Extract(kind, _day(name), content, size)


def _day(name: str) -> date | None:
    found = _DAY.search(name)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None
