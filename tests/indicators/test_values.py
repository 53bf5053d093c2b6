"""Declared values and files of the caisse over HTTP."""

from typing import Any

import pytest

from tests.indicators.ordering import FIRST, SECOND, Office, reason

YEAR = FIRST.starts_on.isoformat()
OUTSIDE = (409, "day_outside_contract_year")


def declaration(cpts_id: str, indicator: str, starts_on: object = YEAR) -> str:
    return f"/cpts/{cpts_id}/contract-years/{starts_on}/declarations/{indicator}"


def row(cpts_id: str, indicator: str, value: int, **more: Any) -> dict[str, Any]:
    fixed = {"contract_year_starts_on": YEAR, "indicator": indicator, "value": value}
    return {"cpts_id": cpts_id} | fixed | more


async def take(office: Office, *rows: Any) -> Any:
    return await office.order("/caisse-files", {"rows": rows}, "POST", "caisse")


async def test_a_declared_value_is_the_figure_and_a_correction_replaces_it(office: Office) -> None:
    cpts_id = await office.new_cpts()
    path = declaration(cpts_id, "parcours_delai_adressage")
    new = await office.order(path, {"value": 28, "evidence_ids": ["b", "a"]})
    assert new.status_code == 201, new.text
    assert new.json()["declaration"] == {
        "value": 28,
        "true_on": "2026-04-14",
        "evidence_ids": ["a", "b"],
        "is_withdrawn": False,
        "reason": None,
    }
    assert new.json()["missing"] == ["a", "b"]
    assert await office.values(cpts_id) == {"parcours_delai_adressage": 28}
    again = await office.order(path, {"value": 28, "evidence_ids": ["a", "b"]})
    assert (again.status_code, again.json()) == (200, new.json())
    await office.done(path, {"value": 31, "true_on": "2026-03-31"})
    assert await office.values(cpts_id) == {"parcours_delai_adressage": 31}
    mistaken = {"value": 31, "is_withdrawn": True, "reason": "mistyped"}
    await office.done(path, mistaken, Acting_Person="coord-7")
    assert await office.values(cpts_id) == {}
    said = await office.said("ValueRecorded", cpts_id)
    assert {one["by"] for one in said} == {"cpts"}
    assert [(one["value"], one["said_by"], one["reason"]) for one in said] == [
        (28, None, None),
        (31, None, None),
        (31, "coord-7", "mistyped"),
    ]
    assert set((await office.get("/invariants")).values()) == {True}


@pytest.mark.parametrize(
    ("indicator", "starts_on", "body", "expected"),
    [
        ("moods", YEAR, {}, (404, "unknown_indicator")),
        ("parcours_reunions", YEAR, {}, (409, "not_declared")),
        ("depistage_sein", YEAR, {}, (409, "not_declared")),
        ("parcours_inclusions", "2025-04-16", {}, (404, "unknown_contract_year")),
        ("consultations_snp", YEAR, {}, (409, "indicator_not_of_that_year")),
        ("parcours_satisfaction", YEAR, {"value": 10_001}, (409, "value_out_of_range")),
        ("parcours_inclusions", YEAR, {"true_on": "2026-04-15"}, OUTSIDE),
        ("parcours_inclusions", SECOND.starts_on, {"true_on": "2026-05-05"}, OUTSIDE),
    ],
)
async def test_an_unsound_declaration_is_refused(
    office: Office, indicator, starts_on, body, expected
) -> None:
    cpts_id = await office.new_cpts()
    path = declaration(cpts_id, indicator, starts_on)
    assert reason(await office.order(path, {"value": 3} | body)) == expected
    assert await office.values(cpts_id) == {}


async def test_a_file_is_taken_once_by_cpts_or_finess(office: Office) -> None:
    one, other = await office.new_cpts(), await office.new_cpts(finess="1930000777")
    by_finess = row(other, "medecin_traitant_ald_sans", 219) | {"finess": "1930000777"}
    rows = (
        row(one, "depistage_sein", 6970),
        {k: by_finess[k] for k in by_finess if k != "cpts_id"},
    )
    taken = await take(office, *rows)
    assert taken.status_code == 201, taken.text
    assert (taken.json()["is_new"], taken.json()["changed_count"]) == (True, 2)
    assert await office.values(one) == {"depistage_sein": 6970}
    assert await office.values(other) == {"medecin_traitant_ald_sans": 219}
    newer = await take(office, row(one, "depistage_sein", 7240))
    assert newer.json()["changed_count"] == 1
    again = await take(office, *rows)
    assert (again.status_code, again.json()["is_new"]) == (200, False)
    assert await office.values(one) == {"depistage_sein": 7240}
    repeated = await take(office, row(one, "depistage_sein", 7240), by_finess | {"cpts_id": None})
    assert (repeated.json()["is_new"], repeated.json()["changed_count"]) == (True, 0)
    said = await office.said("ValueRecorded", one)
    assert {one["by"] for one in said} == {"caisse"}
    assert [one["file_sha256"] for one in said] == [
        taken.json()["file_sha256"],
        newer.json()["file_sha256"],
    ]


async def test_every_wrong_row_is_listed_and_nothing_is_taken(office: Office) -> None:
    cpts_id = await office.new_cpts()
    right = row(cpts_id, "depistage_sein", 6970)
    refused = await take(
        office,
        right,
        right,
        row("nobody", "depistage_col", 1),
        row(cpts_id, "depistage_col", 10_001),
        row(cpts_id, "parcours_inclusions", 1),
        row(cpts_id, "moods", 1),
        row(cpts_id, "depistage_col", 1, contract_year_starts_on="2025-04-16"),
        row(cpts_id, "depistage_col", 1, finess="1930000778"),
        row(cpts_id, "depistage_col", 1) | {"cpts_id": None, "finess": "1930000778"},
        {"value": "beaucoup"},
    )
    assert reason(refused) == (409, "rows_refused")
    assert [(one["row"], one["reason"]) for one in refused.json()["rows"]] == [
        (2, "said_twice"),
        (3, "unknown_cpts"),
        (4, "value_out_of_range"),
        (5, "not_of_the_caisse"),
        (6, "unknown_indicator"),
        (7, "unknown_contract_year"),
        (8, "cpts_or_finess_needed"),
        (9, "unknown_cpts"),
        (10, "malformed_row"),
    ]
    assert all(one["detail"] for one in refused.json()["rows"])
    assert refused.json()["rows"][-1]["columns"] == [
        "contract_year_starts_on",
        "indicator",
        "value",
    ]
    assert await office.values(cpts_id) == {}
    assert (await take(office, right)).status_code == 201
