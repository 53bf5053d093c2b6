"""The orders about an ACI over HTTP: its years, its tailles, its corrections."""

from services.membership.store.invariants import invariants
from tests.membership.ordering import House, place, reason
from tests.scraped import holding


async def test_an_aci_is_signed_with_its_years_and_their_tailles(house: House) -> None:
    cpts_id = await house.new_cpts()
    path = f"/cpts/{cpts_id}/aci"
    aci = {"aci_id": "aci", "signed_on": "2026-03-01", "starts_on": "2026-04-15", "years": 3}
    assert reason(await house.order(path, aci, role="ars")) == "territory_empty"
    commune = next(house.communes)
    await house.order(f"/cpts/{cpts_id}/territory", place("e", commune.code))
    signed = await house.order(path, aci, role="caisse")
    assert signed.status_code == 201
    assert [(one["starts_on"], one["ends_on"]) for one in signed.json()["contract_years"]] == [
        ("2026-04-15", "2027-04-14"),
        ("2027-04-15", "2028-04-14"),
        ("2028-04-15", "2029-04-14"),
    ]
    again = await house.order(path, aci, role="caisse")
    assert (again.status_code, again.json()) == (200, signed.json())
    assert reason(await house.order(path, aci | {"years": 4}, role="ars")) == "already_exists"
    assert reason(await house.order(path, aci | {"aci_id": "b"}, role="ars")) == "aci_in_force"
    assert await house.types(cpts_id) == [
        "CptsRegistered",
        "TerritoryPlaceRecorded",
        "AciSigned",
        *["TailleDetermined"] * 3,
        "MissionDeadlinesSet",
    ]


async def test_an_aci_is_corrected_ended_and_withdrawn(house: House) -> None:
    cpts_id = await house.new_cpts()
    path = f"/cpts/{cpts_id}/aci"
    aci = {"signed_on": "2026-03-01", "starts_on": "2026-04-15", "years": 3}
    assert reason(await house.order(f"{path}/aci", aci, "PUT", "ars")) == "unknown_aci"
    await house.order(f"/cpts/{cpts_id}/territory", place("e", next(house.communes).code))
    signed = await house.order(path, {"aci_id": "aci"} | aci, role="ars")
    same = await house.order(f"{path}/aci", aci, "PUT", "caisse")
    assert (same.status_code, same.json()) == (200, signed.json())

    moved = await house.order(f"{path}/aci", aci | {"starts_on": "2026-05-01"}, "PUT", "ars")
    assert [one["starts_on"] for one in moved.json()["contract_years"]] == [
        "2026-05-01",
        "2027-05-01",
        "2028-05-01",
    ]
    assert all(one["taille"] for one in moved.json()["contract_years"])
    # what was ordered first is still the content of this id
    again = await house.order(path, {"aci_id": "aci"} | aci, role="ars")
    assert (again.status_code, again.json()) == (200, moved.json())
    second = {"aci_id": "b", "signed_on": "2027-01-01", "starts_on": "2028-05-01"}
    assert reason(await house.order(path, second, role="ars")) == "aci_in_force"
    ended = aci | {"starts_on": "2026-05-01", "years": 2}
    assert len((await house.order(f"{path}/aci", ended, "PUT", "ars")).json()["contract_years"])
    assert (await house.order(path, second, role="ars")).status_code == 201
    longer = await house.order(f"{path}/aci", ended | {"years": 3}, "PUT", "ars")
    assert reason(longer) == "aci_in_force"

    withdrawn = await house.order(f"{path}/aci", ended | {"is_withdrawn": True}, "PUT", "ars")
    assert (withdrawn.status_code, withdrawn.json()["contract_years"]) == (200, [])
    listed = await house.listed(cpts_id, "aci")
    assert [(one["aci_id"], one["is_withdrawn"]) for one in listed] == [("aci", True), ("b", False)]
    years = await house.listed(cpts_id, "contract-years")
    assert {one["aci_id"] for one in years} == {"b"}
    assert (await house.types(cpts_id)).count("AciSigned") == 5
    assert set((await house.get("/invariants")).values()) == {True}
    by_cpts = await house.order(f"{path}/b", aci, "PUT", "cpts")
    assert by_cpts.status_code == 403


async def test_a_taille_changes_at_the_next_anniversary_and_never_before(house: House) -> None:
    # the clock shows noon in Paris on 15 April 2026: the day the first contract year begins
    cpts_id = await house.new_cpts()
    small = next(house.communes)
    await house.order(f"/cpts/{cpts_id}/territory", place("e", small.code))
    aci = {"aci_id": "aci", "signed_on": "2026-03-01", "starts_on": "2026-04-15", "years": 2}
    await house.order(f"/cpts/{cpts_id}/aci", aci, role="ars")
    # Perpignan, from before the first year: it counts from the second only
    grown = await house.order(f"/cpts/{cpts_id}/territory", place("big", "66136"))
    assert grown.status_code == 201
    years = await house.listed(cpts_id, "contract-years")
    assert [one["taille"] for one in years] == [1, 3]
    assert [one["population"] == small.population for one in years] == [True, False]
    events = await house.history(cpts_id)
    assert [one["event"].get("contract_year_starts_on") for one in events][-2:] == [
        None,
        "2027-04-15",
    ]
    withdrawn = {"from_on": "2026-01-01", "is_withdrawn": True}
    await house.order(f"/cpts/{cpts_id}/territory/big", withdrawn, "PUT")
    years = await house.listed(cpts_id, "contract-years")
    assert [one["taille"] for one in years] == [1, 1]
    # the first year begins at midnight in Paris, when it is 22:00 UTC of the eve
    for instant, tailles in (
        ("2026-04-14T22:00:00+00:00", [1, 3]),
        ("2026-04-14T21:59:59+00:00", [3, 3]),
    ):
        big = f"/cpts/{cpts_id}/territory/big"
        await house.order(big, withdrawn, "PUT")
        await house.order(big, {"from_on": "2026-01-01"}, "PUT", Order_Instant=instant)
        years = await house.listed(cpts_id, "contract-years")
        assert [one["taille"] for one in years] == tailles


async def test_an_unknown_population_stops_the_signature_and_is_no_zero(house: House) -> None:
    cpts_id = await house.new_cpts()
    uninhabited = "98901"  # Clipperton
    made = await house.order(f"/cpts/{cpts_id}/territory", place("e", uninhabited))
    assert made.json()["population"] is None
    aci = {"aci_id": "aci", "signed_on": "2026-03-01", "starts_on": "2026-04-15"}
    refused = await house.order(f"/cpts/{cpts_id}/aci", aci, role="ars")
    assert (reason(refused), refused.json()["communes"]) == ("population_unknown", [uninhabited])
    shown = await house.get(f"/cpts/{cpts_id}", on="2026-02-01")
    assert shown["population"]["total"] is None
    assert shown["population"]["unknown"] == [uninhabited]


async def test_a_population_that_becomes_unknown_after_the_signature_shows(house: House) -> None:
    cpts_id = await house.new_cpts()
    await house.order(f"/cpts/{cpts_id}/territory", place("e", next(house.communes).code))
    aci = {"aci_id": "aci", "signed_on": "2026-03-01", "starts_on": "2026-04-15", "years": 3}
    await house.order(f"/cpts/{cpts_id}/aci", aci, role="ars")
    uninhabited = "98412"  # Kerguelen
    await house.order(f"/cpts/{cpts_id}/territory", place("u", uninhabited, from_on="2027-01-01"))
    years = await house.listed(cpts_id, "contract-years")
    assert [one["is_population_complete"] for one in years] == [True, False, False]
    first_page = await house.get("/population-warnings", limit=1)
    second_page = await house.get("/population-warnings", after=first_page["next"])
    warnings = [
        one for one in first_page["items"] + second_page["items"] if one["cpts_id"] == cpts_id
    ]
    assert [(one["contract_year_starts_on"], one["unknown_communes"]) for one in warnings] == [
        ("2027-04-15", [uninhabited]),
        ("2028-04-15", [uninhabited]),
    ]
    bad = await house.client.get("/population-warnings", params={"after": f"{cpts_id} x"})
    assert bad.status_code == 400
    gone = {"from_on": "2027-01-01", "is_withdrawn": True}
    await house.order(f"/cpts/{cpts_id}/territory/u", gone, "PUT")
    assert (await house.get("/population-warnings"))["items"] == []


async def test_what_is_written_behind_the_service_s_back_shows(house: House) -> None:
    cpts_id, other = await house.new_cpts(), await house.new_cpts()
    commune = next(house.communes)
    half = {"population": commune.population // 2}
    path = f"/cpts/{cpts_id}/territory"
    await house.order(path, place("e", next(house.communes).code))
    await house.order(path, place("n", commune.code, part="nord", **half))
    await house.order(f"/cpts/{other}/territory", place("s", commune.code, part="sud", **half))
    aci = {"aci_id": "a", "signed_on": "2026-03-01", "starts_on": "2026-04-15", "years": 1}
    await house.order(f"/cpts/{cpts_id}/aci", aci, role="ars")
    assert set((await house.get("/invariants")).values()) == {True}
    assert (await holding(house.run)) == {
        *("places_are_held_once", "one_aci_a_day", "contract_years_have_a_taille"),
        *("parts_fit_their_commune", "offsets_never_go_back"),
    }
    broken = {
        "update territory_entry set part = 'nord' where entry_id = 's'": "places_are_held_once",
        "update territory_entry set part = null where entry_id = 's'": "places_are_held_once",
        "update territory_entry set population = population * 2": "parts_fit_their_commune",
        "insert into aci select cpts_id, 'z', signed_on, ends_on, ends_on, false, "
        f"first_sequence, sequence from aci where cpts_id = '{cpts_id}'": "one_aci_a_day",
        "delete from taille": "contract_years_have_a_taille",
    }
    for statement, named in broken.items():
        async with house.run.pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(statement)
            found = await invariants(connection)
            await transaction.rollback()
        assert [name for name, holds in found.items() if not holds] == [named], statement
