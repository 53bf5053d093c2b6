"""The SAS platform's list of participants: what it verifies, and where the CPTS say otherwise.

Method: lists about members of CPTS of a test's own, each on a platform of its own.
"""

import itertools
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.events.membership import ParticipationRecorded
from deploy.local.directory import participants
from deploy.local.directory.extracts import BadFile
from services.membership.domain.participants import Home, Listed, PlatformList, verified
from services.membership.domain.professionals import Way
from tests.membership.ordering import House, member, reason, rpps
from tests.membership.test_directory import EXAMPLES

DAY = date(2026, 4, 1)
LIST = PlatformList(platform="sas", listed_on=DAY, departements=("77",))
DOCTOR, OTHER, THIRD = (rpps(f"55000000{one:02}") for one in (1, 2, 3))
SINCE = date(2026, 2, 1)
PLATFORMS = (f"sas-{number}" for number in itertools.count())
FINESS = (f"1{number:09}" for number in range(770_900_000, 771_000_000))


def home(cpts_id: str, since: str = "2025-01-01", finess: str | None = None) -> Home:
    from_on = date.fromisoformat(since)
    return Home(cpts_id=cpts_id, departement="77", finess=finess, from_on=from_on)


def entry(cpts_id: str, way: str, from_on: date = SINCE) -> ParticipationRecorded:
    (event,) = verified(
        LIST,
        [Listed(rpps=DOCTOR, way=Way(way), since_on=from_on)],
        {DOCTOR: [home(cpts_id)]},
        [],
    )
    return event


@pytest.mark.parametrize(
    ("listed", "homes", "expected"),
    [
        (Listed(rpps=DOCTOR, way=Way.SOS), [home("b"), home("a", "2024-01-01")], "a"),
        (Listed(rpps=DOCTOR, way=Way.SOS), [home("b"), home("a")], "a"),
        (Listed(rpps=DOCTOR, way=Way.CPTS), [home("b"), home("a", "2026-01-01")], "b"),
        (
            Listed(rpps=DOCTOR, way=Way.CPTS, structure_finess="1770000001"),
            [home("a", "2024-01-01"), home("b", finess="1770000001")],
            "b",
        ),
        (Listed(rpps=DOCTOR, way=Way.CPTS, structure_finess="1770000001"), [home("a")], None),
        (Listed(rpps=DOCTOR, way=Way.MSP, structure_finess="1770000001"), [home("a")], "a"),
        (Listed(rpps=DOCTOR, way=Way.SOS), [], None),
    ],
)
def test_a_participation_is_recorded_with_the_cpts_of_the_professional(
    listed: Listed, homes: list[Home], expected: str | None
) -> None:
    events = verified(LIST, [listed], {DOCTOR: homes}, [])
    assert [one.cpts_id for one in events] == ([expected] if expected else [])
    assert all((one.verified_by, one.from_on) == ("sas", DAY) for one in events)


@pytest.mark.parametrize(
    ("present", "listed", "expected"),
    [
        (entry("a", "sos"), Listed(rpps=DOCTOR, way=Way.SOS), []),
        (entry("a", "sos"), Listed(rpps=DOCTOR, way=Way.SOS, since_on=SINCE), []),
        (entry("a", "sos"), None, ["ended"]),
        (entry("a", "sos", DAY), None, ["withdrawn"]),
        (entry("a", "sos"), Listed(rpps=DOCTOR, way=Way.MSP), ["ended", "msp"]),
        (entry("a", "sos"), Listed(rpps=DOCTOR, way=Way.SOS, since_on=DAY), ["withdrawn", "sos"]),
        (entry("b", "sos"), Listed(rpps=DOCTOR, way=Way.SOS), ["ended", "sos"]),
    ],
)
def test_the_next_list_ends_what_it_no_longer_says(
    present: ParticipationRecorded, listed: Listed | None, expected: list[str]
) -> None:
    events = verified(LIST, [listed] if listed else [], {DOCTOR: [home("a")]}, [present])
    told = []
    for one in events:
        if one.to_on is not None:
            assert one.to_on == DAY - timedelta(days=1)
        told.append("withdrawn" if one.is_withdrawn else "ended" if one.to_on else one.way)
    assert told == expected


async def given(house: House, platform: str, *listed: Any, **changes: Any) -> httpx.Response:
    body = {"listed_on": "2026-04-01", "departements": ["77"], "participants": listed} | changes
    return await house.order(f"/sas-participants/{platform}", body, "PUT", role="caisse")


async def with_members(house: House, *numbers: str) -> tuple[str, str]:
    """A CPTS with these members, and its FINESS."""
    finess = next(FINESS)
    cpts_id = await house.new_cpts(finess=finess)
    for number in numbers:
        answer = await house.order(f"/cpts/{cpts_id}/members", member(number, number))
        assert answer.status_code == 201, answer.text
    return cpts_id, finess


async def declare(house: House, cpts_id: str, number: str, way: str) -> None:
    body = {"participation_id": number, "rpps": number, "way": way, "from_on": "2026-01-01"}
    assert (await house.order(f"/cpts/{cpts_id}/participations", body)).status_code == 201


async def differing(house: House, cpts_id: str, platform: str) -> dict[str, list[str]]:
    """The reasons of a CPTS and a platform, by RPPS, read one a page."""
    found: dict[str, list[str]] = {}
    after = ""
    while after is not None:
        query = {"cpts_id": cpts_id, "after": after, "limit": 1}
        page = await house.get("/sas-participants/differences", **query)
        for one in page["items"]:
            if one["platform"] == platform:
                found.setdefault(one["rpps"], []).append(one["reason"])
        after = page["next"]
    return found


async def test_a_list_is_recorded_as_verified_and_differences_are_a_worklist(
    house: House,
) -> None:
    platform = next(PLATFORMS)
    cpts_id, finess = await with_members(house, DOCTOR, OTHER, THIRD)
    await declare(house, cpts_id, DOCTOR, "own_office")
    await declare(house, cpts_id, THIRD, "cpts")
    listed = [
        {"rpps": DOCTOR, "way": "cpts", "structure_finess": finess, "since_on": "2026-02-01"},
        {"rpps": OTHER, "way": "sos"},
        {"rpps": rpps("5500000009"), "way": "sos"},
    ]
    answer = await given(house, platform, *listed)
    assert answer.status_code == 200, answer.text
    taken = answer.json()
    assert (taken["listed"], taken["recorded"], taken["ended"], taken["without_cpts"]) == (
        *(3, 2, 0),
        1,
    )
    shown = await house.listed(cpts_id, "participations")
    assert [
        (one["rpps"], one["way"], one["from_on"]) for one in shown if one["verified_by"] == platform
    ] == [(DOCTOR, "cpts", "2026-02-01"), (OTHER, "sos", "2026-04-01")]
    assert await differing(house, cpts_id, platform) == {
        DOCTOR: ["way_differs"],
        OTHER: ["not_declared"],
        THIRD: ["not_on_the_list"],
    }
    query = {"after": rpps("5500000009")[:-1], "limit": 1}
    page = await house.get("/sas-participants/differences", **query)
    (of_nobody,) = page["items"]
    assert (of_nobody["reason"], of_nobody["cpts_id"]) == ("member_of_no_cpts", None)
    again = (await given(house, platform, *listed)).json()
    assert (again["recorded"], again["ended"]) == (0, 0)
    later = (await given(house, platform, listed[0], listed_on="2026-04-10")).json()
    assert (later["recorded"], later["ended"]) == (0, 1)
    on_topic = (await house.on_the_topic())[cpts_id]
    last = max(on_topic, key=lambda one: one.sequence).event
    assert (last.rpps, last.to_on) == (OTHER, date(2026, 4, 9))


async def test_via_a_cpts_of_which_one_is_no_member_somebody_looks(house: House) -> None:
    platform = next(PLATFORMS)
    cpts_id, _ = await with_members(house, number := rpps("5500000011"))
    await declare(house, cpts_id, number, "cpts")
    elsewhere = {"rpps": number, "way": "cpts", "structure_finess": "1779999999"}
    assert (await given(house, platform, elsewhere)).json()["recorded"] == 0
    assert await differing(house, cpts_id, platform) == {number: ["via_another_cpts"]}
    other = next(PLATFORMS)
    assert (await given(house, other, departements=["01"])).status_code == 200
    assert await differing(house, cpts_id, other) == {}, "it says nothing of another département"


async def test_what_a_platform_verified_no_order_corrects(house: House) -> None:
    platform = next(PLATFORMS)
    cpts_id, _ = await with_members(house, number := rpps("5500000021"))
    await given(house, platform, {"rpps": number, "way": "sos"})
    (shown,) = await house.listed(cpts_id, "participations")
    path = f"/cpts/{cpts_id}/participations/{shown['participation_id']}"
    answer = await house.order(path, {"from_on": "2020-01-01"}, "PUT", role="caisse")
    assert (answer.status_code, reason(answer)) == (409, "verified_by_platform")


async def test_a_list_that_cannot_be_taken_changes_nothing(house: House) -> None:
    platform = next(PLATFORMS)
    one = {"rpps": DOCTOR, "way": "sos"}
    assert (await given(house, platform)).status_code == 200
    for listed, changes, status, expected in (
        ([one, one], {}, 409, "listed_twice"),
        ([one], {"listed_on": "2026-03-31"}, 409, "newer_list_known"),
        ([one], {"departements": ["77", "100"]}, 422, "unknown_departement"),
    ):
        answer = await given(house, platform, *listed, **changes)
        assert (answer.status_code, reason(answer)) == (status, expected)
    assert (await given(house, platform, one | {"rpps": "8"})).status_code == 400
    lists = {each["platform"]: each for each in await house.get("/sas-participants")}
    assert lists[platform]["listed_on"] == "2026-04-01"


def test_the_file_of_a_platform_is_read_as_its_code_names_it(tmp_path: Path) -> None:
    rows = participants.read(EXAMPLES / "sas-participants.csv")
    assert [(one["way"], one["structure_finess"], one["since_on"]) for one in rows] == [
        ("cpts", "1060799003", "2026-03-02"),
        ("own_office", None, "2026-03-16"),
        ("msp", "1060799002", None),
    ]
    bad = tmp_path / "bad.csv"
    head = "rpps;participation_sas;participation_sas_via;structure_finess;date_accept_cgu\n"
    bad.write_text(f"{head}81;1;1;;\n{DOCTOR};1;5;;\n{DOCTOR};1;1;;demain\n", "utf-8")
    with pytest.raises(BadFile) as told:
        participants.read(bad)
    for expected in ("2 : rpps", "3 : participation_sas_via", "4 : date_accept_cgu"):
        assert f"ligne {expected} est mal formé" in str(told.value)
