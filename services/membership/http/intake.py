"""An extract of the national directory as it comes in: never more of it in memory than a chunk."""

from collections.abc import AsyncIterator
from datetime import date

import msgspec

from services.membership.domain.extracts import (
    LINE_BYTES_MAX,
    REJECTIONS_MAX,
    Extract,
    Kind,
    NotThatExtract,
    Reason,
    Rejected,
    Row,
    open_extract,
)
from services.messaging.problems import Refused

SHOWN_MAX = 20
_NULL = b"\\N"


class RowInError(msgspec.Struct, frozen=True, kw_only=True):
    """A row that is not taken, by its line in the file, counted from 1."""

    line: int
    reason: Reason
    field: str | None = None


class Intake:
    """The lines of an extract as they are read from the chunks of a body, and what became of them.

    What its methods raise as `Refused` concerns the whole file.
    """

    def __init__(self, kind: Kind, chunks: AsyncIterator[bytes]) -> None:
        self.kind, self._chunks, self._rest = kind, chunks, b""
        self._extract: Extract | None = None
        self.lines = self.kept = self.passed_over = 0
        self.rejected: list[tuple[int, Rejected]] = []

    @property
    def taken_on(self) -> date | None:
        """The day that the file itself tells."""
        return self._extract.taken_on if self._extract else None

    async def open(self) -> None:
        """Read the first line, which tells whether it is that extract."""
        while b"\n" not in self._rest and len(self._rest) <= LINE_BYTES_MAX:
            chunk = await anext(self._chunks, None)
            if chunk is None:
                break
            self._rest += chunk
        first, _, self._rest = self._rest.partition(b"\n")
        try:
            self._extract = open_extract(self.kind, first)
        except NotThatExtract as error:
            raise Refused("not_that_extract", str(error), status=422) from error
        self.lines = 1

    async def rows(self) -> AsyncIterator[bytes]:
        """The rows that are taken, as PostgreSQL's COPY reads them."""
        async for chunk in self._chunks:
            *whole, self._rest = (self._rest + chunk).split(b"\n")
            if len(self._rest) > LINE_BYTES_MAX:
                raise Refused("not_that_extract", "Une ligne n'a pas de fin.", status=422)
            yield b"".join(map(self._read, whole))
        yield b"".join(self._read(line) for line in self._rest.split(b"\n"))

    async def leave_the_rest(self) -> None:
        """Read what nobody needs: who sends it listens to the answer only at the end."""
        async for _ in self._chunks:
            pass

    def in_error(self, limit: int = SHOWN_MAX) -> list[RowInError]:
        """The first rows that are not taken."""
        return [
            RowInError(line=line, reason=one.reason, field=one.field)
            for line, one in self.rejected[:limit]
        ]

    def _read(self, line: bytes) -> bytes:
        assert self._extract is not None, "the first line was read"
        if not line.strip():
            return b""
        self.lines += 1
        row = self._extract.read(line)
        if row is None:
            self.passed_over += 1
            return b""
        if isinstance(row, Rejected):
            self._reject(row)
            return b""
        self.kept += 1
        return _copied(row)

    def _reject(self, rejected: Rejected) -> None:
        self.rejected.append((self.lines, rejected))
        if len(self.rejected) > REJECTIONS_MAX:
            text = f"Plus de {REJECTIONS_MAX} lignes sont en erreur ; rien n'en est pris."
            rows = msgspec.to_builtins(self.in_error())
            raise Refused("too_many_rows_in_error", text, status=422, rows_in_error=rows)


def _copied(row: Row) -> bytes:
    """A row in the text form of COPY; no value has a sign that would need another writing."""
    return b"\t".join(_NULL if one is None else one.encode() for one in row) + b"\n"
