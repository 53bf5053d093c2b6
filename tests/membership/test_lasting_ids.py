"""One id is of one place, one person and one structure for ever, whoever gave it."""

from typing import Any

from tests.membership.ordering import House, member, place, reason, rpps

DOCTOR, OTHER = rpps("1000000071"), rpps("1000000072")
STRUCTURE = {"kind": "esp", "structure_name": "ESP du Val", "from_on": "2026-01-01"}
WORKS = {"rpps": DOCTOR, "profession": "10", "from_on": "2026-01-01"}


async def test_what_comes_by_a_merger_takes_no_id_that_was_prepared_for_it(house: House) -> None:
    cpts_id, into = await house.new_cpts(), await house.new_cpts()
    own, prepared = next(house.communes).code, next(house.communes).code
    await house.order(f"/cpts/{cpts_id}/territory", place("e1", own))
    await house.order(f"/cpts/{cpts_id}/structures/s", STRUCTURE, "PUT")
    await house.order(f"/cpts/{cpts_id}/structures/s/professionals/p", WORKS, "PUT")
    await house.order(f"/cpts/{into}/territory", place(f"{cpts_id}:e1", prepared))
    for body in (place(f"{cpts_id}~e1", prepared), place("x~y", prepared)):
        assert (await house.order(f"/cpts/{into}/territory", body)).status_code == 400
    refused = await house.order(f"/cpts/{into}/structures/{cpts_id}~s", STRUCTURE, "PUT")
    assert (refused.status_code, reason(refused)) == (404, "unknown_structure")
    merger = {"into_cpts_id": into, "merged_on": "2026-07-01"}
    assert (await house.order(f"/cpts/{cpts_id}/merger", merger, role="ars")).status_code == 200
    there = {one["entry_id"]: one["commune"] for one in await house.listed(into, "territory")}
    assert there == {f"{cpts_id}:e1": prepared, f"{cpts_id}~e1": own}
    # what has come is corrected, and moves on, under its id
    ended = {"from_on": "2026-07-01", "to_on": "2026-12-31"}
    for path in (f"territory/{cpts_id}~e1", f"structures/{cpts_id}~s/professionals/p"):
        body = ended if path.startswith("territory") else WORKS | ended
        answer = await house.order(f"/cpts/{into}/{path}", body, "PUT")
        assert answer.status_code == 200, answer.text
    part = {"new_cpts_id": f"{into}-part", "new_cpts_name": "CPTS", "seat_commune": "77288"}
    part |= {"split_on": "2026-08-01", "entry_ids": [f"{cpts_id}~e1"]}  # type: ignore[dict-item]
    assert (await house.order(f"/cpts/{into}/split", part, role="ars")).status_code == 200
    (moved,) = await house.listed(f"{into}-part", "territory")
    assert (moved["entry_id"], moved["commune"]) == (f"{into}~{cpts_id}~e1", own)


async def test_who_belongs_through_a_structure_and_who_belongs_personally_share_no_id(
    house: House,
) -> None:
    path = f"/cpts/{await house.new_cpts()}"
    await house.order(f"{path}/structures/s5", STRUCTURE, "PUT")
    await house.order(f"{path}/structures/s5:p5", STRUCTURE, "PUT")
    assert (await house.order(f"{path}/members", member("s5:p5", DOCTOR))).status_code == 201
    works = await house.order(f"{path}/structures/s5/professionals/p5", WORKS, "PUT")
    assert (works.status_code, reason(works)) == (409, "already_exists")
    # nobody belongs through it yet: it is the professional's id all the same
    early = WORKS | {"rpps": OTHER, "from_on": "2024-01-01", "to_on": "2024-12-31"}
    await house.order(f"{path}/structures/s5/professionals/p6:x", early, "PUT", role="ars")
    personal = await house.order(f"{path}/members", member("s5:p6:x", DOCTOR, to_on="2026-01-02"))
    assert reason(personal) == "already_exists"
    same_id = await house.order(f"{path}/structures/s5:p6/professionals/x", early, "PUT", "ars")
    assert same_id.status_code == 404
    await house.order(f"{path}/structures/s5:p6", STRUCTURE, "PUT")
    same_id = await house.order(f"{path}/structures/s5:p6/professionals/x", early, "PUT", "ars")
    assert reason(same_id) == "already_exists"
    another = WORKS | {"from_on": "2024-01-01"}
    changed = await house.order(f"{path}/structures/s5/professionals/p6:x", another, "PUT", "ars")
    assert reason(changed) == "already_exists"


async def test_a_corrected_profession_is_what_the_cpts_shows(house: House) -> None:
    cpts_id = await house.new_cpts()
    path = f"/cpts/{cpts_id}/structures/s"
    await house.order(path, STRUCTURE, "PUT")
    await house.order(f"{path}/professionals/p", WORKS, "PUT")
    await house.order(f"{path}/professionals/p", WORKS | {"profession": "60"}, "PUT")
    (found,) = await house.listed(cpts_id, "members")
    assert found["profession"] == "60"
    said = await house.said(cpts_id, "MemberRecorded")
    assert [one["event"]["profession"] for one in said] == ["10", "60"]


async def test_a_page_follows_one_that_ends_with_the_longest_ids(house: House) -> None:
    cpts_id = "c" * 64
    await house.new_cpts(cpts_id=cpts_id)
    wrong = DOCTOR[:-1] + str((int(DOCTOR[-1]) + 1) % 10)
    into = await house.new_cpts(cpts_id="d" * 64)
    for entry_id in ("m" * 64, "n" * 64):
        body = member(entry_id, wrong, is_check_digit_overridden=True)
        body |= {"from_on": "2026-01-01" if entry_id[0] == "m" else "2026-03-01"}
        body |= {"to_on": "2026-02-28"} if entry_id[0] == "m" else {}
        await house.order(f"/cpts/{cpts_id}/members", body)
    merger = {"into_cpts_id": "d" * 64, "merged_on": "2026-02-01"}
    assert (await house.order(f"/cpts/{cpts_id}/merger", merger, role="ars")).status_code == 200
    assert into
    found: list[str] = []
    query: dict[str, Any] = {"limit": 1}
    while query.get("after", "") is not None:
        page = await house.get("/rpps-warnings", **query)
        found += [one["id"] for one in page["items"] if one["cpts_id"] == "d" * 64]
        query["after"] = page["next"]
    assert found == [f"{cpts_id}~{'m' * 64}", f"{cpts_id}~{'n' * 64}"]
