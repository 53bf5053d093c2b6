"""A whole contract year simulated over HTTP: by what is, the real figures; and nothing is kept."""

from collections.abc import Callable
from typing import Any

import msgspec

from contracts.events.indicators import FactChange
from contracts.recorded import Recorded
from contracts.topics import INDICATORS, MEMBERSHIP
from services.payments.domain.refusals import REFUSAL_TEXTS, Refusal
from services.payments.domain.simulation import DOCTORS
from tests.payments.owing import mission
from tests.payments.served import (
    DEMANDS,
    LINEAR,
    NOW,
    YEAR,
    Payments,
    contract,
    figure,
    line_path,
    told,
)

ACCESS = "acces_aux_soins"
YEAR_PATH = f"/cpts/c1/contract-years/{YEAR.starts_on}"
RATE = {"mission": "prevention", "amount_cents": 1}
MOST: tuple[tuple[int, Callable[[int], Any]], ...] = (
    (500, lambda count: {"values": {f"local_{number}": 1 for number in range(count)}}),
    (20, lambda count: {"missions": {"prevention": [{"started_on": "2026-05-01"}] * count}}),
    (50, lambda count: {"rates": [RATE | {"part": f"p{number}"} for number in range(count)]}),
)


async def everything_kept(payments: Payments) -> dict[str, str]:
    """A digest of the rows of each table of the service."""
    pool = payments.run.pool
    names = await pool.fetch(
        "select table_name as name from information_schema.tables where table_schema = 'public'"
    )
    return {
        row["name"]: await pool.fetchval(
            f'select md5(string_agg(kept::text, chr(10) order by kept::text)) from "{row["name"]}"'
            " as kept"
        )
        for row in names
    }


TWO_DOCTORS = {"mission": ACCESS, "mode": "all_or_nothing", "max_cents": 2_000_00, "target": 2}


def one_doctor(rpps: str) -> Recorded[Any]:
    """The figure that counts one member who takes part in the SAS."""
    said = figure("c1", 1, 1, DOCTORS)
    facts = (FactChange(fact_id=f"rpps:{rpps}", is_counted=True),)
    return msgspec.structs.replace(said, event=msgspec.structs.replace(said.event, facts=facts))


async def test_a_whole_year_is_simulated_over_http_and_nothing_is_kept(payments: Payments) -> None:
    await payments.hear(MEMBERSHIP, [*contract("c1"), told(mission(YEAR.starts_on), "c1", 4)])
    await payments.put(line_path("c1"), LINEAR)
    await payments.put(line_path("c1", DOCTORS), TWO_DOCTORS)
    await payments.hear(INDICATORS, [figure("c1", 10, 1), one_doctor("810002345675")])
    await payments.run.relayed()
    before = await everything_kept(payments)
    by_cpts = {"Acting-Role": "cpts", "Acting-Cpts": "c1"}
    path = f"{YEAR_PATH}/simulation"
    own = {
        "taille": 3,
        "signed_on": "2026-04-01",
        "starts_on": str(YEAR.starts_on),
        "missions": {ACCESS: [{"started_on": str(YEAR.starts_on)}]},
        "values": {DEMANDS: 10},
        "members": {"joining": ["810002345675"]},
    }
    found = (await payments.post(path, own, **by_cpts)).json()
    present = found["present"]
    assert found["supposed"] == present
    # the real service's own figures, and what is still to come
    today = NOW.date().isoformat()
    due = await payments.get("/cpts/c1/dues")
    assert [
        {name: one[name] for name in ("due_id", "amount_cents", "due_on", "explanation", "is_held")}
        for one in present["dues"]
        if one["due_on"] <= today
    ] == [
        {name: one[name] for name in ("due_id", "amount_cents", "due_on", "explanation", "is_held")}
        for one in due["items"]
    ]
    assert present["variable_cents"] == await payments.variable_cents("c1") == 1_000_00
    assert present["lines"][0]["explanation"].endswith("valeur : 10 = 1\u202f000,00\u00a0€")
    assert present["total_cents"] == present["unverified_cents"] == 166_000_00
    assert [(one["libelle"], one["amount_cents"]) for one in present["totals"]] == [
        ("Fonctionnement", 75_000_00),
        ("Part fixe", 90_000_00),
        ("Part variable", 1_000_00),
    ]
    other = {"taille": 1, "values": {DEMANDS: 50}, "members": {"joining": ["810002345683"]}}
    found = (await payments.post(path, other, **by_cpts)).json()
    assert found["supposed"]["total_cents"] == 50_000_00 + 55_000_00 + 7_000_00
    assert found["difference_cents"] == -54_000_00
    another = await payments.post(path, own, **(by_cpts | {"Acting-Cpts": "c2"}))
    unknown = await payments.post("/cpts/c1/contract-years/2001-01-01/simulation", own)
    refused = await payments.post(path, {"values": {"sas_demandes": 1}})
    bad = await payments.post(path, {"members": {"joining": ["Mme Durand"]}})
    assert [one.status_code for one in (another, unknown, refused, bad)] == [403, 404, 409, 400]
    assert refused.json()["detail"] == REFUSAL_TEXTS[Refusal.UNKNOWN_INDICATOR]
    assert bad.json()["errors"][0]["field"] == "members.joining[0]"
    for most, body_of in MOST:
        for count, is_read in ((most, True), (most + 1, False)):
            answer = await payments.post(path, body_of(count))
            assert (answer.status_code != 400) is is_read, answer.text
    assert await everything_kept(payments) == before
