"""The national directory: its extracts come in, and what orders name is looked up in it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, get, put
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, RequestBody, Schema
from litestar.params import FromPath, FromQuery, QueryParameter

from services.membership.domain.calendar import local_day
from services.membership.domain.directory import (
    Directory,
    Named,
    NamedStructure,
    Warned,
    about_professional,
    about_structure,
)
from services.membership.domain.extracts import SHRINKS_BELOW, Kind
from services.membership.domain.owners import OWNERS
from services.membership.http.differing import LOOKED_AT_ONCE, differing_page
from services.membership.http.intake import Intake, RowInError
from services.membership.http.reading import CURSOR_SEPARATOR, Cursor
from services.membership.store import directory
from services.membership.store.directory import Standing
from services.messaging.database import Connection, connect
from services.messaging.documents import OrderOperation
from services.messaging.orders import read_instant, read_role
from services.messaging.pages import AfterNumber, Limit, Page, page
from services.messaging.problems import Refused

AnyRequest = Request[Any, Any, Any]
IMPORT_SECONDS_MAX = 3600
LOCK_WAIT = "30s"


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an import: the lines of the file, what became of them, the first in error."""

    kind: Kind
    taken_on: date | None
    lines: int
    kept: int
    passed_over: int
    rejected: int
    rows_in_error: Sequence[RowInError]


class EntryDiffers(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that the directory does not know, or knows otherwise."""

    cpts_id: str
    kind: str
    id: str
    warnings: Sequence[Warned]


class Differences(msgspec.Struct, frozen=True, kw_only=True):
    """A page of entries; there are more when `next` is there, whatever this page holds."""

    items: Sequence[EntryDiffers]
    next: str | None


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What the directory says of a professional; `is_known_here`: an extract is there to say it."""

    is_known_here: bool
    warnings: Sequence[Warned]


@dataclass
class ExtractOperation(OrderOperation):
    """The body is read as it comes, so that the document has to be told of it."""

    def __post_init__(self) -> None:
        """Add the file."""
        super().__post_init__()
        file = Schema(type=OpenAPIType.STRING, content_media_type="application/octet-stream")
        content: dict[str, OpenAPIMediaType] = {
            "application/octet-stream": OpenAPIMediaType(schema=file)
        }
        self.request_body = RequestBody(content=content, required=True)


@put(
    "/directory/extracts/{kind:str}",
    status_code=200,
    request_max_body_size=None,
    operation_class=ExtractOperation,
)
async def import_extract(
    request: AnyRequest,
    kind: FromPath[Kind],
    taken_on: FromQuery[date | None] = None,
    is_much_smaller: FromQuery[bool] = False,  # noqa: FBT002 - a query parameter
) -> Imported:
    """Put an extract of the directory in the place of the one that is there, in one transaction.

    The body is read as it comes. Rows in error are left out and listed; `is_much_smaller` confirms
    a file with less than half as many rows as before, which else was probably cut short.
    """
    read_role(request, OWNERS["import_extract"])
    intake = Intake(kind, aiter(request.stream()))
    try:
        async with asyncio.timeout(IMPORT_SECONDS_MAX), _importing(request) as connection:
            _refuse_second(is_first=await directory.lock_import(connection, kind))
            await intake.open()
            await directory.stage(connection, kind, intake.rows())
            before = await directory.kept_count(connection, kind)
            _refuse_cut_short(intake.kept, 0 if is_much_smaller else before)
            await directory.swap(connection, kind)
            told = taken_on or intake.taken_on
            counts = (intake.lines, intake.kept, intake.passed_over)
            await directory.keep_extract(connection, kind, told, read_instant(request), *counts)
            await directory.keep_rejections(connection, kind, intake.rejected)
    except Refused:
        await intake.leave_the_rest()
        raise
    return Imported(
        kind=kind,
        taken_on=told,
        lines=intake.lines,
        kept=intake.kept,
        passed_over=intake.passed_over,
        rejected=len(intake.rejected),
        rows_in_error=intake.in_error(),
    )


@asynccontextmanager
async def _importing(request: AnyRequest) -> AsyncIterator[Connection]:
    """A transaction of its own: no statement of it has to end within the others' time."""
    connection = await connect(request.app.state.running.settings)
    try:
        async with connection.transaction():
            await connection.execute(f"set local lock_timeout = '{LOCK_WAIT}'")
            yield connection
    finally:
        await connection.close()


def _refuse_second(*, is_first: bool) -> None:
    if not is_first:
        raise Refused("import_under_way", "Un autre import de cet extrait est en cours.")


def _refuse_cut_short(kept: int, before: int) -> None:
    if kept == 0 or kept * SHRINKS_BELOW < before:
        text = f"Le fichier donne {kept} lignes, {before} sont là : il est sans doute incomplet."
        raise Refused("extract_cut_short", text, status=422, kept=kept, before=before)


@get("/directory/extracts")
async def list_extracts(request: AnyRequest) -> list[dict[str, Any]]:
    """The extracts that are there: of which day, imported when, with how many rows."""
    async with request.app.state.pool.acquire() as connection:
        return await directory.extracts(connection)


@get("/directory/extracts/{kind:str}/rejections")
async def list_rejections(
    request: AnyRequest,
    kind: FromPath[Kind],
    after: AfterNumber = 0,
    limit: Limit = 100,
) -> Page:
    """The rows in error of the extract that is there, by line."""
    async with request.app.state.pool.acquire() as connection:
        items = await directory.rejections(connection, kind, after, limit)
    return page(items, limit, lambda last: str(last["line"]))


@get("/directory/differences")
async def list_differences(
    request: AnyRequest,
    cpts_id: FromQuery[str | None] = None,
    after: Cursor = "",
    limit: Limit = 100,
) -> Differences:
    """The entries, of today or later, that the directory does not know or knows otherwise."""
    cpts, kind, id_ = [*after.split(CURSOR_SEPARATOR), "", "", ""][:3]
    day = local_day(request.app.state.clock.now())
    async with request.app.state.pool.acquire() as connection:

        async def read_after(
            place: tuple[str, str, str],
        ) -> list[tuple[tuple[str, str, str], list[EntryDiffers]]]:
            entries = await directory.standing(connection, day, cpts_id, place, LOOKED_AT_ONCE)
            known = await _known(connection, entries)
            return [((one.cpts_id, one.kind, one.id), _differs(one, known)) for one in entries]

        found, last, is_end = await differing_page(read_after, (cpts, kind, id_), limit)
    return Differences(items=found, next=None if is_end else CURSOR_SEPARATOR.join(last))


@get("/directory/check")
async def check_professional(
    request: AnyRequest,
    rpps: Annotated[str, QueryParameter(pattern=r"^8[0-9]{11}$")],
    specialties: Annotated[str, QueryParameter(pattern=r"^[A-Z0-9,]{0,100}$")] = "",
    place: Annotated[str, QueryParameter(pattern=r"^[0-9AB]{0,20}$")] = "",
) -> Checked:
    """What the directory says otherwise of a professional, their specialties (commas between), and
    a place by its number with prefix.
    """
    named = Named(
        rpps=rpps,
        specialties=tuple(one for one in specialties.split(",") if one),
        place=(place,) if place else (),
    )
    async with request.app.state.pool.acquire() as connection:
        known = await directory.directory(connection, [rpps])
    is_here = known.professionals is not None
    return Checked(is_known_here=is_here, warnings=about_professional(known, named))


async def warned(connection: Connection, named: Sequence[Named]) -> list[list[Warned]]:
    """What the directory says otherwise of each professional that an order names."""
    known = await directory.directory(connection, {one.rpps for one in named})
    return [about_professional(known, one) for one in named]


async def warned_of_structure(connection: Connection, named: NamedStructure) -> list[Warned]:
    """What the directory says otherwise of a structure that an order names."""
    numbers = [named.finess] if named.finess else []
    return about_structure(await directory.directory(connection, finess=numbers), named)


async def _known(connection: Connection, entries: Sequence[Standing]) -> Directory:
    professionals = [one.professional for one in entries if one.professional]
    structures = [one.structure for one in entries if one.structure]
    return await directory.directory(
        connection,
        {one.rpps for one in professionals},
        {one.finess for one in structures if one.finess},
    )


def _differs(entry: Standing, known: Directory) -> list[EntryDiffers]:
    warnings: list[Warned] = []
    if entry.professional is not None:
        warnings = about_professional(known, entry.professional)
    elif entry.structure is not None:
        warnings = about_structure(known, entry.structure)
    if not warnings:
        return []
    return [EntryDiffers(cpts_id=entry.cpts_id, kind=entry.kind, id=entry.id, warnings=warnings)]


ROUTES = (
    import_extract,
    list_extracts,
    list_rejections,
    list_differences,
    check_professional,
)
