"""What leaves for the log, an order said twice, and the state built anew from the log."""

import asyncio
from typing import Any

import msgspec

from services.membership.app import SERVICE
from services.messaging.replaying import rebuild
from tests.membership.ordering import House, reason

TABLES = ("history", "cpts", "territory_entry", "member", "participation", "aci", "taille")


async def season(house: House) -> str:
    """A CPTS with every kind of event in its life, corrections included."""
    cpts_id = await house.new_cpts()
    one, other = next(house.communes), next(house.communes)
    since = {"from_on": "2026-01-01"}
    rpps = {"rpps": "810002345675"} | since
    for path, body, method, role in (
        ("finess", {"finess": f"1{int(cpts_id[1:]):09}"}, "POST", "cpts"),
        ("territory", {"entry_id": "e", "commune": one.code} | since, "POST", "cpts"),
        ("members", {"member_id": "m", "profession": "10"} | rpps, "POST", "cpts"),
        ("participations", {"participation_id": "p", "way": "cpts"} | rpps, "POST", "cpts"),
        (
            "aci",
            {"aci_id": "a", "signed_on": "2026-01-01", "starts_on": "2026-05-01"},
            "POST",
            "ars",
        ),
        ("territory", {"entry_id": "f", "commune": other.code} | since, "POST", "cpts"),
        ("territory/f", {"from_on": "2026-02-01", "to_on": "2027-01-01"}, "PUT", "cpts"),
        ("members/m", {"from_on": "2026-02-01"}, "PUT", "cpts"),
        (
            "aci/a",
            {"signed_on": "2026-01-01", "starts_on": "2026-06-01", "years": 2},
            "PUT",
            "ars",
        ),
        ("participations/p", {"from_on": "2026-02-01", "is_withdrawn": True}, "PUT", "cpts"),
    ):
        answer = await house.order(f"/cpts/{cpts_id}/{path}", body, method, role)
        assert answer.status_code in (200, 201), answer.text
    return cpts_id


async def test_what_is_on_the_topic_is_the_history_in_order(house: House) -> None:
    cpts_id = await season(house)
    history = await house.history(cpts_id)
    said = (await house.on_the_topic())[cpts_id]
    assert {one["type"] for one in history} == set(SERVICE.topic.event_types())
    assert [one.sequence for one in said] == [one["sequence"] for one in history]
    assert [msgspec.json.decode(msgspec.json.encode(one.event)) for one in said] == [
        one["event"] for one in history
    ]
    assert {one.departement for one in said} == {"77"}


async def test_the_state_built_anew_from_the_log_equals_the_live_one(house: House) -> None:
    await season(house)
    await house.run.relayed()
    await rebuild(SERVICE, house.settings, "shadow")
    for table in TABLES:
        live, shadow = [
            await house.run.pool.fetch(
                f"select row as one from {schema}.{table} as row order by row::text"
            )
            for schema in ("public", "shadow")
        ]
        assert live, table
        assert [tuple(row["one"]) for row in live] == [tuple(row["one"]) for row in shadow], table


async def test_an_order_under_one_key_is_carried_out_once(house: House) -> None:
    cpts_id, commune = await house.new_cpts(), next(house.communes)
    body: dict[str, Any] = {"entry_id": "e", "commune": commune.code, "from_on": "2026-01-01"}
    path = f"/cpts/{cpts_id}/territory"
    first, second = await asyncio.gather(
        *(house.order(path, body, Idempotency_Key=f"key-{cpts_id}") for _ in range(2))
    )
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert [first.status_code, second.status_code] == [201, 201]
    replayed = [one.headers.get("Idempotent-Replay") for one in (first, second)]
    assert sorted(replayed, key=str) == [None, "true"]
    other = await house.order(path, body | {"entry_id": "f"}, Idempotency_Key=f"key-{cpts_id}")
    assert (other.status_code, reason(other)) == (422, "idempotency_key_reused")
    assert await house.types(cpts_id) == ["CptsRegistered", "TerritoryPlaceRecorded"]


async def test_a_refusal_under_a_key_is_answered_again_whatever_changed_since(
    house: House,
) -> None:
    holder, asker = await house.new_cpts(), await house.new_cpts()
    body = {"entry_id": "e", "commune": next(house.communes).code, "from_on": "2026-01-01"}
    await house.order(f"/cpts/{holder}/territory", body)
    refused = await house.order(f"/cpts/{asker}/territory", body, Idempotency_Key=f"no-{asker}")
    assert reason(refused) == "place_taken"
    freed = {"from_on": "2026-01-01", "is_withdrawn": True}
    await house.order(f"/cpts/{holder}/territory/e", freed, "PUT")
    again = await house.order(f"/cpts/{asker}/territory", body, Idempotency_Key=f"no-{asker}")
    assert again.json() == refused.json()
    anew = await house.order(f"/cpts/{asker}/territory", body, Idempotency_Key=f"yes-{asker}")
    assert anew.status_code == 201


async def test_a_history_row_is_written_once(house: House) -> None:
    cpts_id = await season(house)
    question = "select sequence, xmin::text, ctid::text from history where subject = $1 order by 1"
    before = await house.run.pool.fetch(question, cpts_id)
    withdrawn = {"from_on": "2026-02-01", "is_withdrawn": True}
    await house.order(f"/cpts/{cpts_id}/members/m", withdrawn, "PUT")
    after = await house.run.pool.fetch(question, cpts_id)
    assert after[: len(before)] == before
    assert len(after) == len(before) + 1
