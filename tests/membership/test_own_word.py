"""What a CPTS cannot say of itself: it would take appointments, places or years of another."""

from typing import Any

import pytest

from tests.membership.ordering import House, member, place, reason, rpps

EMERGED = "2026-02-01"
EVE = {"from_on": "2026-01-31"}
STRUCTURE = {"kind": "esp", "structure_name": "ESP du Val"}


@pytest.mark.parametrize("fields", [{"finess": "1779999991"}, {"emerged_on": "2026-04-14"}])
async def test_a_cpts_registers_itself_without_finess_and_from_that_day_on(
    house: House, fields: dict[str, str]
) -> None:
    body = {"cpts_id": f"own-{min(fields)}", "cpts_name": "CPTS", "seat_commune": "77288"}
    refused = await house.order("/cpts", body | fields)
    assert (refused.status_code, reason(refused)) == (403, "role_not_allowed")
    assert (await house.order("/cpts", body | {"emerged_on": "2026-04-15"})).status_code == 201
    later = {"Order_Instant": "2026-06-01T10:00:00+02:00"}
    again = await house.order("/cpts", body | {"emerged_on": "2026-04-15"}, **later)
    assert again.status_code == 200, again.text


async def test_a_cpts_does_not_give_itself_a_finess(house: House) -> None:
    path = f"/cpts/{await house.new_cpts()}/finess"
    refused = await house.order(path, {"finess": "1779999992"})
    assert (refused.status_code, reason(refused)) == (403, "role_not_allowed")
    assert (await house.order(path, {"finess": "1779999992"}, role="caisse")).status_code == 200


async def test_a_cpts_has_nothing_before_it_emerged_unless_the_caisse_or_the_ars_say_so(
    house: House,
) -> None:
    cpts_id = await house.new_cpts(emerged_on=EMERGED)
    path, code, doctor = f"/cpts/{cpts_id}", next(house.communes).code, rpps("1000000061")
    since = {"from_on": EMERGED}
    await house.order(f"{path}/structures/s", STRUCTURE | since, "PUT")
    orders: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("POST", "territory", place("e", code)),
        ("POST", "territory/batch", {"entries": [place("e", code)]}),
        ("POST", "members", member("m", doctor)),
        ("POST", "members/batch", {"members": [member("m", doctor)]}),
        ("PUT", "structures/t", STRUCTURE | EVE),
        ("PUT", "structures/s", STRUCTURE | EVE),
        ("PUT", "structures/s/professionals/p", {"rpps": doctor, "profession": "10"} | EVE),
    )
    for method, what, body in orders:
        refused = await house.order(f"{path}/{what}", body, method)
        assert reason(refused) == "before_it_emerged", what
        assert refused.json()["emerged_on"] == EMERGED
    for method, what, body in orders:
        taken = await house.order(f"{path}/{what}", body, method, role="caisse")
        assert taken.status_code in (200, 201), taken.text


@pytest.mark.parametrize("what", ["territory/e", "members/m"])
async def test_a_first_day_is_corrected_no_earlier_than_it_is_or_than_the_cpts(
    house: House, what: str
) -> None:
    path = f"/cpts/{await house.new_cpts(emerged_on=EMERGED)}"
    doctor = rpps("1000000062")
    await house.order(f"{path}/territory", place("e", next(house.communes).code) | EVE, role="ars")
    await house.order(f"{path}/members", member("m", doctor) | EVE, role="ars")
    ended = EVE | {"to_on": "2026-12-31"}
    assert (await house.order(f"{path}/{what}", ended, "PUT")).status_code == 200
    earlier = ended | {"from_on": "2026-01-30"}
    assert reason(await house.order(f"{path}/{what}", earlier, "PUT")) == "before_it_emerged"
    later = ended | {"from_on": EMERGED}
    assert (await house.order(f"{path}/{what}", later, "PUT")).status_code == 200
    assert reason(await house.order(f"{path}/{what}", ended, "PUT")) == "before_it_emerged"


async def test_a_cpts_does_not_say_alone_that_the_ars_was_silent(house: House) -> None:
    path = f"/cpts/{await house.new_cpts()}/projets-de-sante"
    refused = await house.order(f"{path}/p", {"sent_on": "2025-01-01"}, "PUT")
    assert reason(refused) == "silence_of_the_past"
    objected = {"sent_on": "2026-02-15", "objected_on": "2026-03-01"}
    objected |= {"grounds": ["prs_not_respected"]}  # type: ignore[dict-item]
    await house.order(f"{path}/q", objected, "PUT", "ars")
    assert reason(await house.order(f"{path}/q/withdrawal", {})) == "projet_decided"
    assert (await house.order(f"{path}/q/withdrawal", {}, role="ars")).status_code == 200
