"""What leaves for the log, an order said twice, and the state built anew from the log."""

import asyncio
from typing import Any

import msgspec

from services.membership.app import SERVICE
from services.messaging.replaying import rebuild
from tests.membership.ordering import House, reason

TABLES = (
    *("history", "cpts", "territory_entry", "member", "participation", "aci", "taille"),
    *("entry", "projet_de_sante", "mission_deadline"),
)
SINCE = {"from_on": "2026-01-01"}
ACI = {"signed_on": "2025-05-10", "starts_on": "2025-06-01", "years": 2}
LETTRE = {"sent_on": "2024-01-10", "communes": ["77288"]}
SENT = {"sent_on": "2025-01-10"}
OBJECTED = {"sent_on": "2024-06-01", "objected_on": "2024-07-01", "grounds": ["prs_not_respected"]}
MSP = {"kind": "msp", "structure_name": "MSP du Val", "siret": "12345678900011"} | SINCE
AGENDA = {
    "kind": "shared_agenda",
    "tool_name": "Agenda",
    "is_dmp_compatible": True,
    "is_interoperable": False,
} | SINCE


async def season(house: House) -> str:
    """A CPTS with every kind of event in its life, corrections included."""
    cpts_id = await house.new_cpts()
    one, other = next(house.communes), next(house.communes)
    new, neighbour = f"{cpts_id}-new", await house.new_cpts()
    rpps = {"rpps": "810002345675"} | SINCE
    leaving = {
        "new_cpts_id": new,
        "new_cpts_name": "CPTS nouvelle",
        "seat_commune": "77288",
        "split_on": "2026-09-01",
        "entry_ids": ["f"],
    }
    for path, body, method, role in (
        ("lettres-intention/l", LETTRE, "PUT", "cpts"),
        ("projets-de-sante/o", OBJECTED, "PUT", "ars"),
        ("projets-de-sante/o/withdrawal", {}, "POST", "ars"),
        ("projets-de-sante/p", SENT | {"validated_on": "2025-02-01"}, "PUT", "ars"),
        ("associations/a", {"declared_on": "2025-03-01", "legal_form": "loi_1901"}, "PUT", "cpts"),
        ("finess", {"finess": f"1{int(cpts_id[1:]):09}"}, "POST", "ars"),
        (
            "territory",
            {"entry_id": "e", "commune": one.code} | {"from_on": "2025-01-01"},
            "POST",
            "cpts",
        ),
        ("members", {"member_id": "m", "profession": "10"} | rpps, "POST", "cpts"),
        ("participations", {"participation_id": "p", "way": "cpts"} | rpps, "POST", "cpts"),
        ("aci", {"aci_id": "a"} | ACI, "POST", "ars"),
        ("territory", {"entry_id": "f", "commune": other.code} | SINCE, "POST", "cpts"),
        ("territory/f", {"from_on": "2026-02-01", "to_on": "2027-01-01"}, "PUT", "cpts"),
        ("members/m", {"from_on": "2026-02-01"}, "PUT", "cpts"),
        ("aci/a", ACI | {"years": 3}, "PUT", "ars"),
        ("participations/p", {"from_on": "2026-02-01", "is_withdrawn": True}, "PUT", "cpts"),
        ("missions/m", {"mission": "prevention", "started_on": "2026-03-01"}, "PUT", "caisse"),
        ("structures/s", MSP, "PUT", "cpts"),
        ("structures/s/professionals/x", {"profession": "60"} | rpps, "PUT", "cpts"),
        ("tools/t", AGENDA, "PUT", "cpts"),
        ("split", leaving, "POST", "ars"),
    ):
        answer = await house.order(f"/cpts/{cpts_id}/{path}", body, method, role)
        assert answer.status_code in (200, 201), answer.text
    await house.said(cpts_id, "MissionDeadlineNear", "MissionDeadlineMissed")
    merger = {"into_cpts_id": neighbour, "merged_on": "2026-10-01"}
    answer = await house.order(f"/cpts/{cpts_id}/merger", merger, role="ars")
    assert answer.status_code == 200, answer.text
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
