"""The levels of a figure: who sets them, what stands, and what was known and true when."""

from typing import Any

import pytest

from services.indicators.domain.levels import draw_sample
from tests.indicators.ordering import FIRST, SECOND, Office, reason
from tests.indicators.sending import REPORT, send

GROUPE: dict[str, Any] = {"kind": "groupe_qualite", "held_on": "2025-06-10"}
VALIDATION = {"value": 2, "decided_on": "2026-05-03"}
AGREED = VALIDATION | {"answer": "agreed"}
CONTESTED = VALIDATION | {"answer": "disagreed", "reason": "evidence_left_out"}


def figure(cpts_id: str, indicator: str = "qualite_reunions", year: object = None) -> str:
    return f"/cpts/{cpts_id}/contract-years/{year or FIRST.starts_on}/figures/{indicator}"


async def shown(
    office: Office, cpts_id: str, indicator: str = "qualite_reunions", **query: Any
) -> Any:
    """One indicator of the first contract year."""
    page = await office.get(f"/cpts/{cpts_id}/contract-years/{FIRST.starts_on}/figures", **query)
    (one,) = (each for each in page["figures"] if each["indicator"] == indicator)
    return one


async def with_sessions(office: Office, count: int) -> str:
    """A CPTS with so many sessions of a quality group, each with two pieces of evidence, of which
    one is there.
    """
    cpts_id = await office.new_cpts()
    for n in range(count):
        evidence = [f"e{n}-1", f"e{n}-2"]
        path = f"/cpts/{cpts_id}/activities/a{n}"
        await office.done(path, GROUPE | {"evidence_ids": evidence})
    sent = await send(office, f"/cpts/{cpts_id}/evidence/e0-1", REPORT)
    assert sent.status_code == 201, sent.text
    return cpts_id


async def test_a_verification_keeps_the_seed_and_the_sample_that_it_draws(office: Office) -> None:
    cpts_id = await with_sessions(office, 6)
    path = figure(cpts_id)
    ids = [f"e{n}-{k}" for n in range(6) for k in (1, 2)]
    sample: dict[str, Any] = {"seed": 4, "evidence_ids": [*draw_sample(ids, seed=4, size=4)]}
    body = {"value": 5, "decided_on": "2026-05-01", "sample_size": 4, "seed": sample["seed"]}
    other = await office.order(
        f"{path}/verification", body | {"evidence_ids": ["e0-1"]}, "POST", "caisse"
    )
    assert reason(other) == (409, "another_sample")
    seen = {"evidence_ids": sorted(sample["evidence_ids"])}
    verified = await office.order(f"{path}/verification", body | seen, "POST", "caisse")
    assert verified.status_code == 201, verified.text
    assert verified.json()["evidence_ids"] == sample["evidence_ids"]
    assert verified.json()["missing"] == [one for one in sample["evidence_ids"] if one != "e0-1"]
    unseeded = {"value": 5, "decided_on": "2026-05-02", "sample_size": 3}
    drawn = await office.done(f"{path}/verification", unseeded, "POST", "caisse")
    assert drawn["evidence_ids"] == [*draw_sample(ids, seed=drawn["seed"], size=3)]
    said = await office.said("FigureLevelSet", cpts_id)
    told = ("revision", "seed", "is_seed_chosen", "evidence_ids")
    assert [tuple(one[name] for name in told) for one in said] == [
        (1, sample["seed"], True, sample["evidence_ids"]),
        (2, drawn["seed"], False, drawn["evidence_ids"]),
    ]
    now = await shown(office, cpts_id)
    assert (now["live"]["value"], now["verified"]["value"], now["validated"]) == (6, 5, None)
    assert (now["verified"]["by_role"], now["verified"]["revision"]) == ("caisse", 2)
    assert now["verified"]["is_seed_chosen"] is False


async def test_a_sample_has_a_piece_of_evidence_where_there_is_one(office: Office) -> None:
    path, body = figure(await office.new_cpts()), {"value": 0, "decided_on": "2026-05-01"}
    for size, status in ((0, 400), (1, 201)):
        asked = body | {"sample_size": size}
        given = await office.order(f"{path}/verification", asked, "POST", "caisse")
        assert given.status_code == status, given.text
        drawn = await office.order(f"{path}/samples", {"size": size}, "POST", "caisse")
        assert drawn.status_code == status, drawn.text
    assert given.json()["evidence_ids"] == drawn.json()["evidence_ids"] == [], "there is none"


async def test_a_sample_is_drawn_once_kept_and_what_a_verification_looked_at(
    office: Office,
) -> None:
    cpts_id = await with_sessions(office, 6)
    path = figure(cpts_id)
    ids = [f"e{n}-{k}" for n in range(6) for k in (1, 2)]
    ask = office.order(f"{path}/samples", {"size": 11}, "POST", "caisse", Acting_Person="agent-3")
    first = (await ask).json()
    assert first["evidence_ids"] == [*draw_sample(ids, seed=first["seed"], size=11)]
    assert (first["evidence_count"], first["by_role"], first["said_by"]) == (
        12,
        "caisse",
        "agent-3",
    )
    assert first["missing"] == [one for one in first["evidence_ids"] if one != "e0-1"]
    second = await office.done(f"{path}/samples", {"size": 2}, "POST", "caisse")
    assert (first["number"], second["number"]) == (1, 2)
    page = await office.get(f"{path}/samples", limit=1)
    assert page == {"items": [first], "next": "1"}
    rest = await office.get(f"{path}/samples", after=page["next"])
    assert rest == {"items": [second], "next": None}
    await office.done(f"/cpts/{cpts_id}/activities/later", GROUPE | {"evidence_ids": ["e9-1"]})
    found = {"value": 5, "decided_on": "2026-05-01", "sample_number": 1}
    verified = await office.done(f"{path}/verification", found, "POST", "caisse")
    assert verified["evidence_ids"] == first["evidence_ids"], "as they were when it was drawn"
    told = (verified["seed"], verified["is_seed_chosen"], verified["sample_number"])
    assert told == (first["seed"], False, 1)
    none = await office.order(
        f"{path}/verification", found | {"sample_number": 3}, "POST", "caisse"
    )
    assert reason(none) == (404, "unknown_sample")
    for wrong in ({"sample_size": 2}, {"seed": 4}, {"sample_number": None}):
        refused = await office.order(f"{path}/verification", found | wrong, "POST", "caisse")
        assert refused.status_code == 400, wrong


async def test_a_validation_takes_what_the_cpts_itself_says_of_its_value(office: Office) -> None:
    cpts_id = await with_sessions(office, 2)
    path = figure(cpts_id)

    async def answered() -> tuple[Any, ...]:
        given = await office.done(f"{path}/validation", VALIDATION, "POST", "caisse")
        return given["answer"], given["reason"], given["stance_revision"]

    assert await answered() == ("silent", None, None)
    await office.done(f"{path}/stance", AGREED | {"value": 3}, "POST")
    assert await answered() == ("silent", None, None), "of another value it has said nothing"
    letter = CONTESTED | {"evidence_ids": ["letter"]}
    await office.done(f"{path}/stance", letter, "POST", Acting_Person="coord-7")
    assert await answered() == ("disagreed", "evidence_left_out", 3)
    again = await office.order(f"{path}/stance", letter, "POST", Acting_Person="coord-8")
    assert (again.status_code, again.json()["said_by"]) == (200, "coord-7")
    now = await shown(office, cpts_id)
    told = ("by_role", "said_by", "answer", "reason", "evidence_ids", "missing", "decided_on")
    assert [now["stance"][name] for name in told] == [
        *("cpts", "coord-7", "disagreed", "evidence_left_out", ["letter"], ["letter"]),
        "2026-05-03",
    ]
    assert (now["live"]["value"], now["validated"]["answer"]) == (2, "disagreed")
    await office.done(f"{path}/stance", AGREED, "POST")
    assert (await shown(office, cpts_id))["validated"]["answer"] == "disagreed", "as it was said"
    assert await answered() == ("agreed", None, 5)


async def test_a_line_of_the_contract_alone_has_its_stance_validation_and_visa(
    office: Office,
) -> None:
    path = figure(await office.new_cpts(), "local_annuaire")
    await office.done(f"{path}/stance", AGREED, "POST")
    validated = await office.done(
        f"{path}/validation", VALIDATION | {"ground": "rule_contested"}, "POST", "caisse"
    )
    assert (validated["answer"], validated["ground"]) == ("agreed", "rule_contested")
    await office.done(f"{path}/visa", VALIDATION, "POST", "ars")


def test_every_piece_of_evidence_may_be_drawn_and_the_seed_alone_decides() -> None:
    ids = [f"e{n}" for n in range(8)]
    samples = {draw_sample(ids, seed=seed, size=2) for seed in range(200)}
    assert {one for sample in samples for one in sample} == set(ids)
    assert len(samples) > 40
    assert draw_sample(ids[::-1], seed=7, size=3) == draw_sample(ids, seed=7, size=3)
    assert set(draw_sample(ids, seed=7, size=100)) == set(ids)


async def test_a_visa_stands_as_long_as_the_validation_that_it_was_put_on(office: Office) -> None:
    cpts_id = await with_sessions(office, 2)
    path, visa = figure(cpts_id), {"value": 2, "decided_on": "2026-05-04"}
    early = await office.order(f"{path}/visa", visa, "POST", "ars")
    assert reason(early) == (409, "not_validated")
    validated = await office.order(f"{path}/validation", VALIDATION, "POST", "caisse")
    assert validated.status_code == 201, validated.text
    again = await office.order(f"{path}/validation", VALIDATION, "POST", "caisse")
    assert (again.status_code, again.json()) == (200, validated.json())
    other = await office.order(f"{path}/visa", visa | {"value": 3}, "POST", "ars")
    assert reason(other) == (409, "another_value_validated")
    await office.done(f"{path}/visa", visa, "POST", "ars")
    assert (await shown(office, cpts_id))["visa"]["by_role"] == "ars"
    await office.done(f"{path}/validation", VALIDATION | {"value": 1}, "POST", "caisse")
    now = await shown(office, cpts_id)
    assert (now["validated"]["value"], now["visa"]) == (1, None)
    await office.done(f"{path}/visa", visa | {"value": 1}, "POST", "ars")
    assert (await shown(office, cpts_id))["visa"]["value"] == 1
    assert len(await office.said("FigureLevelSet", cpts_id)) == 4


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"answer": "disagreed"}, 400),
        ({"reason": "value_contested"}, 400),
        ({"answer": "maybe"}, 400),
        ({"answer": "silent"}, 400),
        ({"decided_on": "2026-05-05"}, (409, "not_yet_decided")),
        ({"decided_on": "2025-04-14"}, (409, "not_yet_decided")),
    ],
)
async def test_an_unsound_stance_is_refused(
    office: Office, change: dict[str, Any], expected: Any
) -> None:
    path = f"{figure(await office.new_cpts())}/stance"
    refused = await office.order(path, AGREED | change, "POST")
    assert (refused.status_code if expected == 400 else reason(refused)) == expected


async def test_nobody_answers_in_the_place_of_the_cpts(office: Office) -> None:
    path = figure(await office.new_cpts())
    refused = await office.order(f"{path}/validation", AGREED, "POST", "caisse")
    assert refused.status_code == 400
    stance = await office.order(f"{path}/stance", AGREED, "POST", "caisse")
    assert reason(stance) == (403, "role_not_allowed")


async def test_a_level_is_of_an_indicator_and_a_contract_year_that_there_are(
    office: Office,
) -> None:
    cpts_id = await office.new_cpts()
    for path, expected in (
        (figure(cpts_id, "moods"), (404, "unknown_indicator")),
        (figure(cpts_id, year="2025-04-16"), (404, "unknown_contract_year")),
        (figure(cpts_id, "consultations_snp"), (409, "indicator_not_of_that_year")),
        (figure("nobody"), (404, "unknown_cpts")),
    ):
        refused = await office.order(f"{path}/validation", VALIDATION, "POST", "caisse")
        assert reason(refused) == expected
    lost = await office.client.get(f"/cpts/{cpts_id}/contract-years/2025-04-16/figures")
    assert lost.status_code == 404


async def test_a_year_is_asked_as_known_at_an_instant_and_as_true_on_a_day(
    office: Office,
) -> None:
    cpts_id = await office.new_cpts()
    path = f"/cpts/{cpts_id}/activities"
    for name, held_on, at in (
        ("a", "2025-06-10", "2025-06-11T10:00:00Z"),
        ("b", "2025-09-10", "2025-09-11T10:00:00Z"),
        ("c", "2025-07-10", "2026-01-11T10:00:00Z"),
    ):
        await office.done(f"{path}/{name}", GROUPE | {"held_on": held_on}, Order_Instant=at)
    withdrawn = GROUPE | {"is_withdrawn": True}
    await office.done(f"{path}/a", withdrawn, Order_Instant="2026-02-01T10:00:00Z")

    async def live(**query: Any) -> int | None:
        value = (await shown(office, cpts_id, **query))["live"]
        return None if value is None else value["value"]

    assert await live() == 2
    assert await live(true_on="2025-08-01") == 1
    assert await live(known_at="2025-12-31T00:00:00Z") == 2
    assert await live(known_at="2025-12-31T00:00:00Z", true_on="2025-08-01") == 1
    assert await live(known_at="2026-01-12T00:00:00Z") == 3
    assert await live(known_at="2026-01-12T00:00:00Z", true_on="2025-08-01") == 2
    assert await live(known_at="2025-06-11T09:59:59Z") is None
    assert await live(true_on="2025-06-01") == 0
    naive = f"/cpts/{cpts_id}/contract-years/{FIRST.starts_on}/figures?known_at=2025-06-11T10:00:00"
    assert reason(await office.client.get(naive)) == (400, "instant_invalid")


async def test_values_and_levels_are_asked_by_their_days_too(office: Office) -> None:
    cpts_id = await office.new_cpts()
    code = "parcours_inclusions"
    path = f"/cpts/{cpts_id}/contract-years/{FIRST.starts_on}"
    for value, true_on, at in ((10, "2025-06-30", "2025-07-01"), (25, "2025-12-31", "2026-01-05")):
        body = {"value": value, "true_on": true_on, "evidence_ids": [f"t{value}"]}
        instant = f"{at}T10:00:00Z"
        await office.done(f"{path}/declarations/{code}", body, Order_Instant=instant)
    level = {"value": 24, "decided_on": "2026-04-20"}
    await office.done(f"{figure(cpts_id, code)}/validation", level, "POST", "caisse")
    now = await shown(office, cpts_id, code)
    assert now["declared"]["value"] == now["live"]["value"] == 25
    assert (now["declared"]["evidence_ids"], now["validated"]["value"]) == (["t25"], 24)
    then = await shown(office, cpts_id, code, true_on="2025-10-01")
    assert (then["live"]["value"], then["validated"]) == (10, None)
    early = await shown(office, cpts_id, code, known_at="2025-12-31T00:00:00Z")
    assert (early["declared"]["value"], early["validated"]) == (10, None)
    sample = await office.done(f"{figure(cpts_id, code)}/samples", {"size": 9}, "POST", "caisse")
    assert sample["evidence_ids"] == ["t25"]


async def test_every_indicator_of_the_year_is_shown(office: Office) -> None:
    cpts_id = await office.new_cpts()
    page = await office.get(f"/cpts/{cpts_id}/contract-years/{SECOND.starts_on}/figures")
    assert len(page["figures"]) == 31
    assert {one["live"]["value"] for one in page["figures"] if one["live"]} == {0}
    assert {one["source"] for one in page["figures"] if one["live"]} == {"events"}
    assert not any(one["is_verified"] for one in page["figures"])
