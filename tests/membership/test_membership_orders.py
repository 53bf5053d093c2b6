"""Each order over HTTP: its happy path, its refusals, what it leaves in the history."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from tests.membership.ordering import House, member, place, reason, rpps

DOCTOR = rpps("1000000001")
WRONG = DOCTOR[:-1] + str((int(DOCTOR[-1]) + 1) % 10)
FINESS = (f"1{number:09}" for number in range(950_000_000, 960_000_000))


async def test_a_cpts_is_registered_once_and_found_again(house: House) -> None:
    cpts_id = await house.new_cpts(cpts_name="CPTS du Pays", seat_commune="01091")
    again = {"cpts_id": cpts_id, "cpts_name": "CPTS du Pays", "seat_commune": "01033"}
    again["emerged_on"] = "2024-01-01"
    answer = await house.order("/cpts", again)
    assert answer.status_code == 200
    other = await house.order("/cpts", again | {"cpts_name": "CPTS des Monts"})
    assert (other.status_code, reason(other)) == (409, "already_exists")
    shown = await house.get(f"/cpts/{cpts_id}")
    assert shown["departement"] == "01"
    assert shown["population"]["places"] == 0
    assert await house.types(cpts_id) == ["CptsRegistered"]
    listed = await house.get("/cpts", departement="01", limit=1)
    assert listed["items"][0]["cpts_id"] == cpts_id
    assert (await house.get("/cpts", departement="01", after=listed["next"]))["items"] == []


async def test_a_seat_is_a_known_commune(house: House) -> None:
    order = {"cpts_id": "nowhere", "cpts_name": "CPTS", "seat_commune": "99999"}
    answer = await house.order("/cpts", order)
    assert (answer.status_code, reason(answer)) == (409, "unknown_commune")
    for path in ("/cpts/nowhere", "/cpts/nowhere/members"):
        assert (await house.client.get(path)).status_code == 404


async def test_a_finess_is_given_once_to_one_cpts(house: House) -> None:
    finess, other = next(FINESS), next(FINESS)
    first = await house.new_cpts(finess=finess)
    second = await house.new_cpts()
    taken = await house.order(f"/cpts/{second}/finess", {"finess": finess}, role="ars")
    assert reason(taken) == "finess_taken"
    assert taken.json()["held_by"][0]["cpts_id"] == first
    at_registration = await house.order(
        "/cpts",
        {"cpts_id": "late", "cpts_name": "C", "seat_commune": "77288", "finess": finess},
        role="ars",
    )
    assert reason(at_registration) == "finess_taken"
    given = await house.order(f"/cpts/{second}/finess", {"finess": other}, role="ars")
    assert (given.status_code, given.json()["finess"]) == (200, other)
    again = await house.order(f"/cpts/{second}/finess", {"finess": other}, role="ars")
    assert reason(again) == "finess_already_known"
    corsican = await house.new_cpts(seat_commune="2A004", finess="12A0000001")
    assert (await house.get(f"/cpts/{corsican}"))["finess"] == "12A0000001"
    absent = await house.order("/cpts/absent/finess", {"finess": other}, role="ars")
    assert (absent.status_code, reason(absent)) == (404, "unknown_cpts")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/cpts/c/finess", {"finess": "12C0000001"}),
        ("/cpts", {"cpts_id": "x y", "cpts_name": "C", "seat_commune": "77288"}),
        ("/cpts", {"cpts_id": "x\n", "cpts_name": "C", "seat_commune": "77288"}),
        ("/cpts", {"cpts_id": "x", "cpts_name": "C\u0000", "seat_commune": "77288"}),
        ("/cpts", {"cpts_id": "x", "cpts_name": "C", "seat_commune": "77288", "phone": "1"}),
        ("/cpts", {"cpts_id": "x", "cpts_name": "C", "seat_commune": "77288", "finess": "2"}),
        ("/cpts/c/finess", {"finess": "950000001"}),
        ("/cpts/c/territory", place("e", "77288", from_on="yesterday")),
        ("/cpts/c/territory", place("e", "77288", part="nord", population=0)),
        ("/cpts/c/territory", place("e", "77288", part="quartier nord", population=9)),
        ("/cpts/c/territory", place("e", "77288", part="n" * 41, population=9)),
        ("/cpts/c/territory", place("e", "77288", part="nord\n", population=9)),
        ("/cpts/c/territory/batch", {"entries": []}),
        ("/cpts/c/territory", place("e", "77288", from_on="0001-01-01")),
        ("/cpts/c/members", member("m", "10000000001")),
        ("/cpts/c/members", member("m", DOCTOR, to_on="9999-12-31")),
        ("/cpts/c/aci", {"aci_id": "a", "signed_on": "9999-12-31", "starts_on": "2026-01-01"}),
        ("/cpts/c/merger", {"into_cpts_id": "d", "merged_on": "0001-01-01"}),
        ("/cpts/c/members", member("m", DOCTOR, profession="médecin")),
        ("/cpts/c%00/members", member("m", DOCTOR)),
        ("/cpts/c/aci", {"aci_id": "a", "signed_on": "2026-01-01", "starts_on": "9999-01-01"}),
        (
            "/cpts/c/aci",
            {"aci_id": "a", "signed_on": "2026-01-01", "starts_on": "2026-01-01", "years": 0},
        ),
    ],
)
async def test_a_malformed_body_is_a_bad_request(house: House, path: str, body: Any) -> None:
    answer = await house.order(path, body, role="system")
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"]


async def test_only_the_roles_concerned_may_order(house: House) -> None:
    cpts_id = await house.new_cpts()
    by_regulation = await house.order(f"/cpts/{cpts_id}/members", {}, role="regulation")
    assert by_regulation.status_code in (400, 403)
    aci = {"aci_id": "a", "signed_on": "2026-01-01", "starts_on": "2026-01-01"}
    by_cpts = await house.order(f"/cpts/{cpts_id}/aci", aci, role="cpts")
    assert by_cpts.status_code == 403
    without = await house.client.post("/cpts", json={})
    assert without.status_code == 400


async def test_a_place_is_attached_corrected_and_withdrawn(house: House) -> None:
    cpts_id, commune = await house.new_cpts(), next(house.communes)
    path = f"/cpts/{cpts_id}/territory"
    answer = await house.order(path, place("e", commune.code))
    assert answer.status_code == 201
    assert answer.json()["population"] == commune.population
    again = await house.order(path, place("e", commune.code))
    assert (again.status_code, again.json()) == (200, answer.json())
    held = await house.get(f"/places/{commune.code}", on="2026-02-01")
    assert [one["cpts_id"] for one in held["held_by"]] == [cpts_id]
    assert (await house.get(f"/places/{commune.code}", on="2025-12-31"))["held_by"] == []

    ended = {"from_on": "2026-01-01", "to_on": "2026-01-31"}
    corrected = await house.order(f"{path}/e", ended, "PUT")
    assert corrected.json() == answer.json() | ended
    assert (await house.order(f"{path}/e", ended, "PUT")).status_code == 200
    assert (await house.get(f"/places/{commune.code}", on="2026-02-01"))["held_by"] == []
    # a resend of the first order is still the same entry, and answers its present state
    late = await house.order(path, place("e", commune.code))
    assert (late.status_code, late.json()) == (200, corrected.json())
    other = await house.order(path, place("e", commune.code, from_on="2026-03-01"))
    assert reason(other) == "already_exists"

    withdrawn = await house.order(f"{path}/e", ended | {"is_withdrawn": True}, "PUT")
    assert withdrawn.json()["is_withdrawn"]
    events = await house.history(cpts_id)
    assert [one["sequence"] for one in events] == [1, 2, 3, 4]
    assert [one["event"].get("to_on") for one in events[1:]] == [None, "2026-01-31", "2026-01-31"]
    absent = await house.order(f"{path}/none", ended, "PUT")
    assert (absent.status_code, reason(absent)) == (404, "unknown_entry")
    backwards = {"from_on": "2026-02-01", "to_on": "2026-01-31"}
    assert (
        reason(await house.order(f"{path}/e", backwards, "PUT")) == "period_ends_before_it_starts"
    )


async def test_every_refusal_of_a_place_has_its_reason(house: House) -> None:
    first, second = await house.new_cpts(), await house.new_cpts()
    commune, shared = next(house.communes), next(house.communes)
    half = (shared.population or 0) // 2 + 1
    for code, fields in (
        (commune.code, {}),
        (shared.code, {"part": "nord", "population": half}),
        ("69123", {"part": "nord", "population": 10}),
    ):
        made = await house.order(f"/cpts/{first}/territory", place(code, code, **fields))
        assert made.status_code == 201, made.text
    for who, order, expected in (
        (second, place("e", "99999"), "unknown_commune"),
        (second, place("e", commune.code, to_on="2025-01-01"), "period_ends_before_it_starts"),
        (second, place("e", shared.code, part="sud"), "population_needed"),
        (second, place("e", commune.code, population=7), "population_not_allowed"),
        (first, place("e", "69381"), "city_and_arrondissement"),
        (second, place("e", "69381"), "place_taken"),
        (second, place("e", commune.code), "place_taken"),
        (second, place("e", shared.code), "place_taken"),
        (second, place("e", shared.code, part="sud", population=half), "parts_exceed_commune"),
    ):
        answer = await house.order(f"/cpts/{who}/territory", order)
        assert (answer.status_code, reason(answer)) == (409, expected)
        assert answer.json()["entry_id"] == "e"
    clash = await house.order(f"/cpts/{second}/territory", place("e", commune.code))
    assert clash.json()["held_by"] == [{"cpts_id": first, "cpts_name": f"CPTS {first}"}]
    assert f"CPTS {first}" in clash.json()["detail"]
    assert f"CPTS {second}" in clash.json()["detail"]
    assert await house.types(second) == ["CptsRegistered"]


async def test_a_batch_of_places_is_taken_whole_or_not_at_all(house: House) -> None:
    cpts_id = await house.new_cpts()
    entries = [place(one.code, one.code) for one in (next(house.communes) for _ in range(150))]
    path = f"/cpts/{cpts_id}/territory/batch"
    twice = await house.order(path, {"entries": [*entries, place("twice", entries[9]["commune"])]})
    assert (reason(twice), twice.json()["entry_id"]) == ("place_taken", "twice")
    assert await house.types(cpts_id) == ["CptsRegistered"]
    taken = await house.order(path, {"entries": entries})
    assert taken.status_code == 201
    assert [one["entry_id"] for one in taken.json()["entries"]] == [
        one["entry_id"] for one in entries
    ]
    assert (await house.order(path, {"entries": entries})).status_code == 200
    assert len(await house.history(cpts_id)) == 151
    territory = await house.listed(cpts_id, "territory")
    assert len(territory) == 150
    shown = await house.get(f"/cpts/{cpts_id}", on="2026-02-01")
    assert shown["population"]["total"] == sum(one["population"] for one in territory)


async def test_of_two_orders_at_once_for_one_place_exactly_one_wins(house: House) -> None:
    pairs = [(await house.new_cpts(), await house.new_cpts()) for _ in range(8)]
    communes = [next(house.communes) for _ in pairs]
    answers = await asyncio.gather(
        *(
            house.order(f"/cpts/{cpts_id}/territory", place("e", commune.code))
            for pair, commune in zip(pairs, communes, strict=True)
            for cpts_id in pair
        )
    )
    for pair in range(len(pairs)):
        both = answers[2 * pair : 2 * pair + 2]
        assert sorted(one.status_code for one in both) == [201, 409]
        (refused,) = (one for one in both if one.status_code == 409)
        assert reason(refused) == "place_taken"


async def test_orders_at_once_on_one_cpts_get_sequences_without_a_gap(house: House) -> None:
    cpts_id = await house.new_cpts()
    numbers = [rpps(f"20000000{number:02}") for number in range(20)]
    answers = await asyncio.gather(
        *(house.order(f"/cpts/{cpts_id}/members", member(one, one)) for one in numbers)
    )
    assert {one.status_code for one in answers} == {201}
    assert [one["sequence"] for one in await house.history(cpts_id)] == list(range(1, 22))


async def test_registrations_at_once_under_one_id_or_one_finess_make_one_cpts(
    house: House,
) -> None:
    finess = next(FINESS)
    orders = [
        {"cpts_id": cpts_id, "cpts_name": name, "seat_commune": "77288", "finess": finess}
        for cpts_id, name in (("same", "A"), ("same", "B"), ("other", "A"), ("other", "B"))
    ]
    answers = await asyncio.gather(*(house.order("/cpts", one, role="ars") for one in orders))
    assert Counter(one.status_code for one in answers) == {201: 1, 409: 3}


async def test_members_are_recorded_checked_and_corrected(house: House) -> None:
    cpts_id, elsewhere = await house.new_cpts(), await house.new_cpts()
    path = f"/cpts/{cpts_id}/members"
    first = await house.order(path, member("m", DOCTOR))
    assert first.status_code == 201
    assert (await house.order(path, member("m", DOCTOR))).status_code == 200
    assert reason(await house.order(path, member("m", DOCTOR, profession="60"))) == "already_exists"
    assert reason(await house.order(path, member("n", DOCTOR))) == "member_overlap"
    mistyped = await house.order(path, member("o", DOCTOR, profession="1O"))
    assert (mistyped.status_code, reason(mistyped)) == (409, "unknown_profession")
    assert (await house.order(f"/cpts/{elsewhere}/members", member("m", DOCTOR))).status_code == 201
    assert reason(await house.order(path, member("w", WRONG))) == "wrong_check_digit"
    overridden = member("w", WRONG, is_check_digit_overridden=True)
    assert (await house.order(path, overridden)).status_code == 201
    warnings = (await house.get("/rpps-warnings", limit=1000))["items"]
    assert {"cpts_id": cpts_id, "kind": "member", "id": "w", "rpps": WRONG} in warnings

    left = {"from_on": "2026-01-01", "to_on": "2026-03-31"}
    assert (await house.order(f"{path}/m", left, "PUT")).json() == first.json() | left
    back = await house.order(path, member("n", DOCTOR, from_on="2026-04-01"))
    assert back.status_code == 201
    reopened = await house.order(f"{path}/m", {"from_on": "2026-01-01"}, "PUT")
    assert reason(reopened) == "member_overlap"
    assert reason(await house.order(f"{path}/none", left, "PUT")) == "unknown_member"
    await house.order(f"{path}/w", left | {"is_withdrawn": True}, "PUT")
    warnings = (await house.get("/rpps-warnings", limit=1000))["items"]
    assert (cpts_id, "w") not in {(one["cpts_id"], one["id"]) for one in warnings}


async def test_a_batch_of_members_is_taken_whole_or_not_at_all(house: House) -> None:
    cpts_id = await house.new_cpts()
    path = f"/cpts/{cpts_id}/members/batch"
    members = [member(f"m{number}", rpps(f"30000000{number:02}")) for number in range(50)]
    refused = await house.order(path, {"members": [*members, member("w", WRONG)]})
    assert (reason(refused), refused.json()["member_id"]) == ("wrong_check_digit", "w")
    assert await house.types(cpts_id) == ["CptsRegistered"]
    taken = await house.order(path, {"members": members})
    assert (taken.status_code, len(taken.json()["members"])) == (201, 50)
    assert (await house.order(path, {"members": members})).status_code == 200


async def test_participations_are_recorded_and_corrected(house: House) -> None:
    cpts_id = await house.new_cpts()
    path = f"/cpts/{cpts_id}/participations"
    order: dict[str, Any] = {"participation_id": "p", "rpps": WRONG, "way": "cpts"}
    order["from_on"] = "2026-01-01"
    assert reason(await house.order(path, order)) == "wrong_check_digit"
    order["is_check_digit_overridden"] = True
    first = await house.order(path, order)
    assert first.status_code == 201
    assert (await house.order(path, order)).json() == first.json()
    assert reason(await house.order(path, order | {"way": "sos"})) == "already_exists"
    unknown = order | {"participation_id": "q", "way": "elsewhere"}
    assert reason(await house.order(path, unknown)) == "unknown_way"
    backwards = order | {"participation_id": "q", "to_on": "2025-01-01"}
    assert reason(await house.order(path, backwards)) == "period_ends_before_it_starts"
    ended = {"from_on": "2026-01-01", "to_on": "2026-02-28"}
    corrected = await house.order(f"{path}/p", ended, "PUT")
    assert corrected.json() == first.json() | ended
    assert (await house.order(path, order)).json() == corrected.json()
    assert reason(await house.order(f"{path}/none", ended, "PUT")) == "unknown_participation"
    warnings = (await house.get("/rpps-warnings", limit=1000))["items"]
    assert {"cpts_id": cpts_id, "kind": "participation", "id": "p", "rpps": WRONG} in warnings


async def test_lists_are_paged_without_a_gap(house: House) -> None:
    cpts_id = await house.new_cpts()
    path = f"/cpts/{cpts_id}/members/batch"
    wrong = [f"8{number:010}{(int(rpps(f'{number:010}')[-1]) + 1) % 10}" for number in range(7)]
    members = [
        member(f"m{n}", number, is_check_digit_overridden=True) for n, number in enumerate(wrong)
    ]
    await house.order(path, {"members": members})
    for what in (f"/cpts/{cpts_id}/history", "/rpps-warnings", "/cpts"):
        everything = (await house.get(what, limit=1000))["items"]
        paged: list[Any] = []
        query: dict[str, Any] = {"limit": 3}
        while query.get("after", "") is not None:
            page = await house.get(what, **query)
            paged += page["items"]
            query["after"] = page["next"]
        assert paged == everything
