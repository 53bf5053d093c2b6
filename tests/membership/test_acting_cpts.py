"""A CPTS orders about itself alone; the caisse, the ARS and the system about any."""

import httpx
import pytest

from tests.membership.ordering import House, reason, rpps

DAY = {"from_on": "2026-01-01"}
DOCTOR = rpps("1000000077")
TOOL = {
    "kind": "other",
    "tool_name": "Outil",
    "is_dmp_compatible": True,
    "is_interoperable": True,
}
ORDERS = [
    ("POST", "territory", {"entry_id": "t2", "commune": "77288"} | DAY),
    ("POST", "territory/batch", {"entries": [{"entry_id": "t3", "commune": "77288"} | DAY]}),
    ("PUT", "territory/t", DAY),
    ("POST", "members", {"member_id": "m2", "rpps": DOCTOR, "profession": "10"} | DAY),
    ("PUT", "members/m", DAY),
    ("POST", "participations", {"participation_id": "p2", "rpps": DOCTOR, "way": "cpts"} | DAY),
    ("PUT", "participations/p", DAY),
    ("PUT", "lettres-intention/l", {"sent_on": "2026-01-01", "communes": ["77288"]}),
    ("PUT", "projets-de-sante/p", {"sent_on": "2026-01-01"}),
    ("POST", "projets-de-sante/p/withdrawal", {}),
    ("PUT", "associations/a", {"declared_on": "2026-01-01", "legal_form": "loi_1901"}),
    ("PUT", "structures/s", {"kind": "esp", "structure_name": "ESP"} | DAY),
    ("PUT", "structures/s/professionals/p", {"rpps": DOCTOR, "profession": "10"} | DAY),
    ("PUT", "tools/t", TOOL | DAY),
]


@pytest.mark.parametrize(("method", "path", "body"), ORDERS)
async def test_a_cpts_changes_nothing_of_another(
    house: House, method: str, path: str, body: dict[str, object]
) -> None:
    cpts_id, another = await house.new_cpts(), await house.new_cpts()
    answer = await house.order(f"/cpts/{cpts_id}/{path}", body, method, Acting_Cpts=another)
    assert (answer.status_code, reason(answer)) == (403, "not_the_acting_cpts")
    assert await house.types(cpts_id) == ["CptsRegistered"]


async def test_who_may_order_comes_before_what_there_is(house: House) -> None:
    cpts_id = await house.new_cpts()
    body = {"cpts_id": "new", "cpts_name": "Nouvelle", "seat_commune": "00000"}

    async def registered(**headers: str) -> httpx.Response:
        return await house.order("/cpts", body, **headers)

    assert reason(await registered(Acting_Cpts=cpts_id)) == "not_the_acting_cpts"
    assert reason(await registered(Acting_Cpts="")) == "acting_cpts_missing"
    assert reason(await registered()) == "unknown_commune"
    absent = await house.order("/cpts/absent/members/m", DAY, "PUT", Acting_Cpts=cpts_id)
    assert (absent.status_code, reason(absent)) == (403, "not_the_acting_cpts")
    own = await house.order("/cpts/absent/members/m", DAY, "PUT")
    assert (own.status_code, reason(own)) == (404, "unknown_cpts")


async def test_others_order_about_any(house: House) -> None:
    cpts_id = await house.new_cpts()
    for n, role in enumerate(("caisse", "ars", "system")):
        member = {"member_id": role, "rpps": rpps(f"100000008{n}"), "profession": "10"} | DAY
        answer = await house.order(f"/cpts/{cpts_id}/members", member, role=role)
        assert answer.status_code == 201, answer.text
