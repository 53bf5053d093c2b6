"""The bridge to the Hub Santé over a real RabbitMQ, with a referrals whose answers tests choose."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import trustme

from deploy.local import databases
from deploy.local.stack import Stack
from services.gateway.hub.bridge import keep_bridge
from tests.gateway.hub_played import (
    ACK,
    INFO,
    MESSAGE,
    Hub,
    StubReferrals,
    becomes,
    bridging,
    connected,
    content_of,
    settings_of,
    stub_referrals,
)
from tests.gateway.rabbit import CLIENT, SENDER, Rabbit
from tests.gateway.served import Served, serving
from tests.referrals.hub_served import NAMES, envelope
from tests.stack_fixtures import fresh_name

BUSY = (503, {"title": "Service momentanément indisponible"})
BUG = (500, {"title": "Erreur interne"})
KNOWN = (
    409,
    {"hub_code": 701, "hub_status": "CASE_ALREADY_EXISTS", "reasons": [], "detail": "Déjà connu"},
)


@pytest_asyncio.fixture
async def referrals() -> AsyncIterator[StubReferrals]:
    async with stub_referrals() as stub:
        yield stub


async def acknowledged(hub: Hub) -> str:
    """The number of the next message that we acknowledge."""
    reference = content_of(await hub.gets(), "reference")
    return str(reference["distributionID"]).removeprefix(f"{SENDER}_")


async def kept(served: Served, **parameters: Any) -> list[dict[str, Any]]:
    answer = await served.client.get("/hub/messages", params=parameters)
    assert answer.status_code == 200
    return list(answer.json()["items"])


async def test_a_message_is_acknowledged_only_after_the_commit(
    rabbit: Rabbit, hub: Hub, served: Served, referrals: StubReferrals
) -> None:
    referrals.may_answer.clear()
    taken = served.run.counters["hub_taken"]
    async with bridging(served.run, settings_of(rabbit, referrals.url)):
        await hub.put(MESSAGE, envelope("commit"))
        await referrals.is_held.wait()
        assert await hub.got() is None
        referrals.may_answer.set()
        assert await acknowledged(hub) == "commit"
        await becomes(lambda: counted(served, "hub_taken"), taken + 1)
        row = (await kept(served, limit=1))[0]
        assert (row["outcome"], row["hub_code"], row["deliveries"]) == ("taken", None, 1)
        assert row["answer_id"].startswith(f"{CLIENT}_")
    assert await hub.ready(MESSAGE) == 0


async def test_a_refusal_sends_the_hubs_code_and_is_in_the_worklist(
    rabbit: Rabbit, hub: Hub, served: Served, referrals: StubReferrals
) -> None:
    referrals.will("refused", KNOWN)
    refused = served.run.counters["hub_refused"]
    async with bridging(served.run, settings_of(rabbit, referrals.url)):
        await hub.put(MESSAGE, envelope("refused"))
        error = content_of(await hub.gets(), "error")
        assert error == {
            "errorCode": {"statusCode": 701, "statusString": "CASE_ALREADY_EXISTS"},
            "errorCause": "Déjà connu",
            "referencedDistributionID": f"{SENDER}_refused",
        }
        await becomes(lambda: counted(served, "hub_refused"), refused + 1)
        assert await refused_ids(served) == [f"{SENDER}_refused"]
    assert await hub.ready(MESSAGE) == 0


async def counted(served: Served, name: str) -> int:
    """How many messages are off the queue, taken or refused."""
    return served.run.counters[name]


async def refused_ids(served: Served) -> list[str]:
    return [one["distribution_id"] for one in await kept(served, outcome="refused", limit=1)]


async def test_a_resend_gets_the_same_answer_under_the_same_identifier(
    rabbit: Rabbit, hub: Hub, served: Served, referrals: StubReferrals
) -> None:
    async with bridging(served.run, settings_of(rabbit, referrals.url)):
        await hub.put(MESSAGE, envelope("twice"), envelope("twice"), envelope("once"))
        first, second, other = [await hub.gets() for _ in range(3)]
        assert first.message_id == second.message_id != other.message_id
        assert json.loads(first.body)["distributionID"] == first.message_id


async def test_while_referrals_is_in_trouble_nothing_is_lost_and_the_order_stays(
    rabbit: Rabbit, hub: Hub, served: Served, referrals: StubReferrals
) -> None:
    referrals.will("a", BUSY, (404, {}), BUSY)
    async with bridging(served.run, settings_of(rabbit, referrals.url)):
        await hub.put(MESSAGE, *(envelope(number) for number in "abc"))
        assert [await acknowledged(hub) for _ in range(3)] == ["a", "b", "c"]
        assert await hub.got() is None
    assert referrals.heard == [f"{SENDER}_{number}" for number in "aaaabc"]


async def test_without_referrals_a_message_stays_in_its_queue(
    rabbit: Rabbit, hub: Hub, served: Served, referrals: StubReferrals
) -> None:
    troubles = served.run.counters["hub_troubles"]
    async with bridging(served.run, settings_of(rabbit, "http://127.0.0.1:9")):
        await hub.put(MESSAGE, envelope("alone"))
        await becomes(lambda: more_troubles(served, troubles + 1), True)
        assert served.run.health.is_ready
    await becomes(lambda: hub.ready(MESSAGE), 1)
    assert await hub.got() is None


async def more_troubles(served: Served, than: int) -> bool:
    return served.run.counters["hub_troubles"] > than


async def test_a_message_that_referrals_fails_on_does_not_hold_up_the_others(
    rabbit: Rabbit, hub: Hub, served: Served, referrals: StubReferrals
) -> None:
    referrals.will("poison", BUG, BUG)
    async with bridging(served.run, settings_of(rabbit, referrals.url)):
        await hub.put(MESSAGE, envelope("poison"), envelope("b"), envelope("c"))
        assert [await acknowledged(hub) for _ in range(3)] == ["b", "c", "poison"]


async def test_what_is_told_of_our_answers_is_kept_without_a_word(
    rabbit: Rabbit, hub: Hub, served: Served, referrals: StubReferrals
) -> None:
    code = {"statusCode": 500, "statusString": "DEAD_LETTER_QUEUED"}
    about = {"errorCause": NAMES[0], "referencedDistributionID": f"{CLIENT}_x"}
    error = enveloped("fr.health.hub_1", error={"errorCode": code} | about)
    ack = enveloped(f"{SENDER}_ack", reference={"distributionID": f"{CLIENT}_y", "refused": True})
    async with bridging(served.run, settings_of(rabbit, referrals.url)):
        await hub.put(INFO, error, b"\xff not JSON")
        await hub.put(ACK, ack, ack)
        await becomes(lambda: outcomes(served), {"error", "unreadable", "refused_there"})
        await becomes(lambda: deliveries_of(served, "refused_there"), 2)
    (row,) = await kept(served, outcome="error")
    assert (row["hub_code"], row["hub_status"]) == (500, "DEAD_LETTER_QUEUED")
    assert row["referenced_id"] == f"{CLIENT}_x"
    state = (await served.client.get("/hub")).json()
    assert (state["is_configured"], state["is_connected"]) == (True, False)
    assert {"queue", "outcome", "hub_code", "hub_status", "messages", "last_heard_at"} == set(
        state["counts"][0]
    )
    rows = await served.run.pool.fetch("select hub_message::text from hub_message")
    assert not any(name in str(row) for row in rows for name in NAMES)


def enveloped(distribution_id: str, **message: Any) -> bytes:
    embedded = {"jsonContent": {"embeddedJsonContent": {"message": message}}}
    return json.dumps({"distributionID": distribution_id, "content": [embedded]}).encode()


async def deliveries_of(served: Served, outcome: str) -> int:
    (row,) = await kept(served, outcome=outcome)
    return int(row["deliveries"])


async def outcomes(served: Served) -> set[str]:
    return {one["outcome"] for one in await kept(served) if one["queue"] != "message"}


async def test_an_answer_that_the_broker_cannot_route_leaves_the_message(
    rabbit: Rabbit, hub: Hub, served: Served, referrals: StubReferrals
) -> None:
    troubles = served.run.counters["hub_troubles"]
    nowhere = settings_of(rabbit, referrals.url, exchange="amq.direct")
    async with bridging(served.run, nowhere):
        await hub.put(MESSAGE, envelope("unroutable"))
        await becomes(lambda: more_troubles(served, troubles), True)
    await becomes(lambda: hub.ready(MESSAGE), 1)


async def test_a_queue_that_the_broker_takes_away_is_listened_to_again(
    rabbit: Rabbit, hub: Hub, served: Served, referrals: StubReferrals
) -> None:
    async with bridging(served.run, settings_of(rabbit, referrals.url)):
        await hub.channel.queue_delete(MESSAGE)
        await becomes(lambda: connected(served.run), 0)
        await hub.channel.declare_queue(MESSAGE, durable=True)
        await becomes(lambda: connected(served.run), 1)
        await hub.put(MESSAGE, envelope("again"))
        assert await acknowledged(hub) == "again"


async def test_stopped_between_commit_and_acknowledgement_it_goes_on_later(
    rabbit: Rabbit, hub: Hub, served: Served, referrals: StubReferrals
) -> None:
    referrals.may_answer.clear()
    async with bridging(served.run, settings_of(rabbit, referrals.url)):
        await hub.put(MESSAGE, envelope("stopped"))
        await referrals.is_held.wait()
    await becomes(lambda: hub.ready(MESSAGE), 1)
    referrals.may_answer.set()
    async with bridging(served.run, settings_of(rabbit, referrals.url)):
        assert await acknowledged(hub) == "stopped"
    assert referrals.heard == [f"{SENDER}_stopped"] * 2


async def test_the_hub_knows_us_by_our_certificate(
    rabbit: Rabbit, hub: Hub, served: Served, referrals: StubReferrals
) -> None:
    certificate, key = rabbit.certificate(rabbit.authority, CLIENT)
    settings = settings_of(
        rabbit,
        referrals.url,
        url=rabbit.tls_url,
        ca_file=rabbit.folder / "ca.pem",
        certificate_file=certificate,
        key_file=key,
    )
    async with bridging(served.run, settings):
        await hub.put(MESSAGE, envelope("mutual"))
        assert await acknowledged(hub) == "mutual"


@pytest.mark.parametrize("flaw", ["another authority", "another name", "none"])
async def test_without_the_right_certificate_there_is_no_session(
    rabbit: Rabbit, hub: Hub, served: Served, referrals: StubReferrals, flaw: str
) -> None:
    authority = trustme.CA() if flaw == "another authority" else rabbit.authority
    name = CLIENT if flaw == "another authority" else "fr.health.other"
    certificate, key = rabbit.certificate(authority, name)
    mine = {} if flaw == "none" else {"certificate_file": certificate, "key_file": key}
    ca_file = rabbit.folder / "ca.pem"
    settings = settings_of(rabbit, referrals.url, url=rabbit.tls_url, ca_file=ca_file, **mine)
    troubles = served.run.counters["hub_troubles"]
    task = asyncio.create_task(keep_bridge(served.run, settings))
    await becomes(lambda: more_troubles(served, troubles), True)
    assert await connected(served.run) == 0
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_service_begins_the_bridge_when_the_environment_says_so(
    rabbit: Rabbit,
    hub: Hub,
    stack: Stack,
    referrals: StubReferrals,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (
        ("HUB_URL", rabbit.url),
        ("HUB_CLIENT_ID", CLIENT),
        ("REFERRALS_URL", referrals.url),
    ):
        monkeypatch.setenv(name, value)
    suffix = fresh_name(stack, "b")
    urls = databases.create_databases(stack.admin_url, f"_{suffix}")
    async with serving(stack.kafka, urls["gateway"], f"{suffix}-") as up:
        await hub.put(MESSAGE, envelope("service"))
        assert await acknowledged(hub) == "service"
        state = (await up.client.get("/hub")).json()
        assert (state["is_configured"], state["is_connected"]) == (True, True)
    databases.drop_databases(stack.admin_url, f"_{suffix}")
