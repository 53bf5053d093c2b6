"""The FINESS of a CPTS corrected, by whom, and what becomes of the old number."""

from tests.membership.ordering import House, reason


async def test_a_finess_is_corrected_by_the_caisse_or_the_ars_and_frees_the_old_number(
    house: House,
) -> None:
    wrong, right = "1969999991", "1969999992"
    first, second = await house.new_cpts(finess=wrong), await house.new_cpts()
    path = f"/cpts/{first}/finess"
    by_itself = await house.order(path, {"finess": right}, "PUT", role="cpts")
    assert reason(by_itself) == "role_not_allowed"
    for role in ("ars", "caisse"):
        corrected = await house.order(path, {"finess": right}, "PUT", role=role)
        assert (corrected.status_code, corrected.json()["finess"]) == (200, right)
    assert await house.types(first) == ["CptsRegistered", "FinessAssigned"]
    taken = await house.order(f"/cpts/{second}/finess", {"finess": right}, "PUT", role="ars")
    assert reason(taken) == "finess_taken"
    freed = await house.order(f"/cpts/{second}/finess", {"finess": wrong}, role="ars")
    assert (freed.status_code, freed.json()["finess"]) == (200, wrong)
