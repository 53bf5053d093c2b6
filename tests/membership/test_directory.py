"""The national directory: its extracts come in whole or not at all, orders are held against it.

Method: the made-up extracts of `docs/examples/directory/`, in the exact formats, and orders that
name somebody whom they do not know, or know otherwise.
"""

import asyncio
import tracemalloc
import zipfile
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from deploy.local.directory.extracts import chunks, opened
from deploy.local.directory.importing import import_files
from services.membership.domain.extracts import Kind, NotThatExtract, Reason, Rejected, open_extract
from services.membership.http.intake import Intake
from tests.membership.ordering import House, member, reason, rpps

EXAMPLES = Path(__file__).parent.parent.parent / "docs" / "examples" / "directory"
PROFESSIONALS = EXAMPLES / "PS_LibreAcces_Personne_activite_202611270812.txt"
STRUCTURES = EXAMPLES / "etalab-cs1100502-stock-20261127-0339.csv"
DOCTOR, HEART, MIDWIFE, NURSE = (rpps(f"100000000{one}") for one in range(1, 5))
UNKNOWN = rpps("1999999999")
CENTRE, MSP = "1060799001", "1060799002"
LINES = PROFESSIONALS.read_bytes().splitlines(keepends=True)


def read(kind: Kind, path: Path) -> list[Any]:
    first, *lines = path.read_bytes().splitlines(keepends=True)
    extract = open_extract(kind, first)
    return [extract.read(line) for line in lines]


def test_of_a_professional_numbers_and_codes_are_read_alone() -> None:
    read_rows = read(Kind.PROFESSIONALS, PROFESSIONALS)
    assert read_rows[0] == (DOCTOR, "10", "SM54", None, "73282932000074", "373282932000074")
    assert read_rows[1] == (DOCTOR, "10", "SM54", "060799001", "82345678900018", CENTRE)
    assert read_rows[2][2] == "SM04"
    assert read_rows[3][:3] == (MIDWIFE, "50", None)
    assert read_rows[6] is None, "an ADELI number is none of ours"
    assert read_rows[7] == Rejected(reason=Reason.MALFORMED, field="profession")


def test_of_a_structure_its_category_and_siret_are_read() -> None:
    first = STRUCTURES.read_bytes().splitlines()[0]
    assert open_extract(Kind.STRUCTURES, first).taken_on == date(2026, 11, 27)
    read_rows = read(Kind.STRUCTURES, STRUCTURES)
    assert read_rows[0] == ("060799001", "82345678900018", "124")
    assert read_rows[3] == ("060799004", None, "500"), "a name between quotes"
    assert read_rows[4] == Rejected(reason=Reason.MALFORMED, field="finess")


@pytest.mark.parametrize(
    ("line", "reason", "column"),
    [
        (b"8|1|810000000017\n", "wrong_column_count", None),
        (LINES[1].replace(b"810000000017", b"81000000001"), "malformed", "rpps"),
        (LINES[1].replace(b"810000000017", b""), "missing", "rpps"),
        (LINES[1].replace(b"|73282932000074|", b"|7328293200007|"), "malformed", "siret"),
        (LINES[2].replace(b"|060799001|", b"|0607990|"), "malformed", "finess"),
        (LINES[1].replace(b"SM54", b"SM 54"), "malformed", "skill"),
        (LINES[1].replace(b"Anne", b"Ann\xe9"), "not_utf_8", None),
        (LINES[1].replace(b"Anne", b"A" * 20_000), "too_long", None),
    ],
)
def test_a_row_in_error_tells_why(line: bytes, reason: str, column: str | None) -> None:
    assert line != LINES[1]
    told = open_extract(Kind.PROFESSIONALS, LINES[0]).read(line)
    assert told == Rejected(reason=Reason(reason), field=column)


@pytest.mark.parametrize("first", [b"", b"finess;etalab;1\n", LINES[0].replace(b"Code prof", b"")])
def test_another_file_is_no_extract_of_professionals(first: bytes) -> None:
    with pytest.raises(NotThatExtract):
        open_extract(Kind.PROFESSIONALS, first)


async def test_a_long_extract_is_read_with_little_memory() -> None:
    block = b"".join(LINES[1:6]) * 40
    head, of_blocks = LINES[0], 500

    async def body() -> AsyncIterator[bytes]:
        yield head
        for _ in range(of_blocks):
            yield block

    intake = Intake(Kind.PROFESSIONALS, aiter(body()))
    await intake.open()
    tracemalloc.start()
    try:
        async for _ in intake.rows():
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert intake.kept == of_blocks * 200
    assert peak < 10 * len(block), "whatever its length"


async def imported(house: House, kind: str, content: bytes, **query: Any) -> httpx.Response:
    return await house.client.put(
        f"/directory/extracts/{kind}",
        content=content,
        params=query,
        headers={"Acting-Role": "caisse"},
    )


@pytest_asyncio.fixture
async def bare_after(house: House) -> AsyncIterator[House]:
    """The house, without any extract when the test has ended."""
    yield house
    await house.run.pool.execute("truncate directory_extract, directory_rejection")


@pytest_asyncio.fixture
async def directory(bare_after: House) -> House:
    """The house with both extracts."""
    house = bare_after
    for kind, path in (("professionals", PROFESSIONALS), ("structures", STRUCTURES)):
        answer = await imported(house, kind, path.read_bytes(), is_much_smaller=True)
        assert answer.status_code == 200, answer.text
    return house


def reasons(shown: Any) -> list[str]:
    return [one["reason"] for one in shown["directory_warnings"]]


async def test_an_import_lists_its_rows_in_error_by_line(directory: House) -> None:
    answer = await imported(directory, "professionals", PROFESSIONALS.read_bytes())
    told = answer.json()
    assert (told["lines"], told["kept"], told["passed_over"], told["rejected"]) == (9, 6, 1, 1)
    row = {"line": 9, "reason": "malformed", "field": "profession"}
    assert told["rows_in_error"] == [row]
    path = "/directory/extracts/professionals/rejections"
    assert await directory.get(path) == {"items": [row], "next": None}
    extracts = {one["kind"]: one for one in await directory.get("/directory/extracts")}
    assert extracts["structures"]["taken_on"] == "2026-11-27"
    assert extracts["professionals"]["rejected_count"] == 1


async def test_what_the_directory_says_otherwise_is_a_warning_never_a_refusal(
    directory: House,
) -> None:
    cpts_id = await directory.new_cpts()
    orders = [
        member("right", DOCTOR),
        member("nobody", UNKNOWN),
        member("midwife", MIDWIFE, profession="10"),
    ]
    answer = await directory.order(f"/cpts/{cpts_id}/members/batch", {"members": orders})
    assert answer.status_code == 201, answer.text
    right, nobody, midwife = answer.json()["members"]
    assert reasons(right) == []
    assert reasons(nobody) == ["rpps_unknown"]
    (warning,) = midwife["directory_warnings"]
    assert (warning["reason"], warning["said"], warning["in_directory"]) == (
        "profession_differs",
        "10",
        ["50"],
    )
    assert warning["label"].startswith("L'annuaire")
    body = {"participation_id": "p", "rpps": UNKNOWN, "way": "cpts", "from_on": "2026-01-01"}
    answer = await directory.order(f"/cpts/{cpts_id}/participations", body)
    assert (answer.status_code, reasons(answer.json())) == (201, ["rpps_unknown"])
    assert await differing(directory, cpts_id) == {
        ("member", "midwife"): ["profession_differs"],
        ("member", "nobody"): ["rpps_unknown"],
        ("participation", "p"): ["rpps_unknown"],
    }


async def test_structures_and_who_works_there_are_held_against_it(directory: House) -> None:
    cpts_id = await directory.new_cpts()
    own = f"/cpts/{cpts_id}/structures"
    body = {"kind": "cds", "structure_name": "Centre", "from_on": "2026-01-01"}
    for finess, siret, expected in (
        (CENTRE, "82345678900018", []),
        (CENTRE, "83456789000017", ["siret_differs"]),
        (MSP, None, ["category_differs"]),
        ("1069999999", None, ["structure_unknown"]),
        (CENTRE, None, []),
    ):
        asked = body | {"finess": finess, "siret": siret}
        answer = await directory.order(f"{own}/centre", asked, "PUT")
        assert reasons(answer.json()) == expected
    for number, expected in ((NURSE, []), (HEART, ["profession_differs", "place_differs"])):
        asked = {"rpps": number, "profession": "60", "from_on": "2026-01-01"}
        answer = await directory.order(f"{own}/centre/professionals/{number}", asked, "PUT")
        assert (answer.status_code, reasons(answer.json())) == (201, expected)
    assert await differing(directory, cpts_id) == {
        ("member", f"centre:{HEART}"): ["profession_differs", "place_differs"]
    }


async def differing(house: House, cpts_id: str) -> dict[tuple[str, str], list[str]]:
    """The worklist of a CPTS, read one entry a page."""
    found, after = {}, ""
    while after is not None:
        query = {"cpts_id": cpts_id, "limit": 1, "after": after}
        page = await house.get("/directory/differences", **query)
        for one in page["items"]:
            found[one["kind"], one["id"]] = [each["reason"] for each in one["warnings"]]
        after = page["next"]
    return found


async def test_a_specialty_and_a_place_can_be_asked_about(directory: House) -> None:
    for query, expected in (
        ({"rpps": DOCTOR, "specialties": "SM54", "place": "373282932000074"}, []),
        ({"rpps": DOCTOR, "specialties": "SM54,SM04"}, ["specialty_differs"]),
        ({"rpps": HEART, "place": CENTRE}, ["place_differs"]),
    ):
        answer = await directory.get("/directory/check", **query)
        assert [one["reason"] for one in answer["warnings"]] == expected


async def test_a_file_that_cannot_be_taken_leaves_what_was_there(directory: House) -> None:
    before = await directory.get("/directory/extracts")
    many = LINES[0] + b"8|1|2\n" * 10_001
    for content, expected in (
        (STRUCTURES.read_bytes(), "not_that_extract"),
        (many, "too_many_rows_in_error"),
        (LINES[0], "extract_cut_short"),
        (b"".join(LINES[:3]), "extract_cut_short"),
        (b"x" * 100_000, "not_that_extract"),
        (LINES[0] + b"x" * 100_000, "not_that_extract"),
    ):
        answer = await imported(directory, "professionals", content)
        assert (answer.status_code, reason(answer)) == (422, expected)
    assert await directory.get("/directory/extracts") == before
    assert (await directory.get("/directory/check", rpps=DOCTOR))["warnings"] == []


async def test_an_upload_that_is_cut_leaves_what_was_there(directory: House) -> None:
    before = await directory.get("/directory/extracts")

    async def cut() -> AsyncIterator[bytes]:
        yield b"".join(LINES[:5])
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await directory.client.put(
            "/directory/extracts/professionals", content=cut(), headers={"Acting-Role": "system"}
        )
    async with asyncio.timeout(20):
        while (await imported(directory, "professionals", LINES[0])).status_code != 422:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert await directory.get("/directory/extracts") == before


async def test_the_command_says_what_it_took_and_every_row_in_error(
    bare_after: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.csv"
    other.write_text("rpps;nom\n", "utf-8")
    files = [PROFESSIONALS, STRUCTURES]
    url = bare_after.run.address
    assert await asyncio.to_thread(import_files, url, files, is_much_smaller=True)
    assert not await asyncio.to_thread(import_files, url, [other])
    told = capsys.readouterr().out
    assert "du 2026-11-27 : 9 lignes, 6 reprises, 1 sans objet ici, 1 en erreur" in told
    assert "ligne 9 : profession est mal formé" in told
    assert "other.csv : n'est ni un extrait" in told


def test_the_extract_of_a_zip_is_found(tmp_path: Path) -> None:
    path = tmp_path / "PS_LibreAcces.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(PROFESSIONALS, PROFESSIONALS.name)
        archive.writestr("PS_LibreAcces_Dipl_AutExerc_202611270812.txt", "a|b")
    with opened(path) as extract:
        assert (extract.kind, extract.taken_on) == ("professionals", date(2026, 11, 27))
        assert b"".join(chunks(extract.content)) == PROFESSIONALS.read_bytes()
