"""Declarations leave beside the chain: slow platforms, two processes, certificates, restores."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import asyncpg
import msgspec
import pytest
import pytest_asyncio
import trustme

from contracts.topics import REFERRALS
from deploy.local import databases
from deploy.local.stack import Stack
from services.gateway.app import gateway
from services.gateway.outside.declaring import Pace
from services.gateway.outside.platforms import read_platforms
from services.messaging.process import running
from services.messaging.restoring import BEGIN
from tests.gateway.agendas import at
from tests.gateway.declared import (
    QUICK,
    become,
    declaring,
    new_id,
    platform,
    rows,
    states,
    until,
)
from tests.gateway.platform import Does, Stub, a_platform
from tests.gateway.published import ONE_PLACE, OTHER, accepted, cancelled, moved
from tests.gateway.served import Served, serving
from tests.stack_fixtures import fresh_name


@pytest_asyncio.fixture(scope="module")
async def stub() -> AsyncIterator[Stub]:
    async with a_platform() as up:
        yield up


async def test_a_platform_that_never_answers_holds_up_neither_the_chain_nor_another_platform(
    stack: Stack,
) -> None:
    forever = asyncio.Event()
    async with a_platform() as slow, a_platform() as other:
        slow.next = [Does(waits=forever)] * 40
        pace = msgspec.structs.replace(QUICK, at_once=2, answer_seconds_max=60, lease_seconds=600)
        quick = platform(other, name="other", departements=("78",))
        async with declaring(stack, platform(slow), quick, pace=pace) as up:
            waiting = [new_id() for _ in range(10)]
            await up.hear(REFERRALS, *(accepted(one, ONE_PLACE, at(9)) for one in waiting))
            await slow.until_asked(2)
            one = new_id()
            await up.hear(REFERRALS, accepted(one, OTHER, at(9), departement="78"))
            await become(up, one, "delivered")
            assert (await up.client.get("/health/ready")).status_code == 200
            assert slow.most_at_once == 2
            assert {state for each in waiting for state in await states(up, each)} == {"pending"}
        forever.set()


async def test_two_processes_send_each_declaration_once_and_in_order(
    stack: Stack, stub: Stub
) -> None:
    async with declaring(stack, platform(stub)) as up:
        settings = msgspec.structs.replace(up.run.settings, http_port=0)
        async with running(gateway((platform(stub),), QUICK), settings, up.clock):
            many, both_came = [new_id() for _ in range(40)], asyncio.Event()
            stub.next, before = [Does(waits=both_came)] * 2, len(stub.asked)
            for made in (
                [accepted(one, ONE_PLACE, at(9)) for one in many],
                [moved(one, OTHER, at(10)) for one in many],
                [cancelled(one, sequence=9) for one in many],
            ):
                await up.hear(REFERRALS, *made)
                await stub.until_asked(before + 2)
                both_came.set()
            for one in many:
                await become(up, one, *["delivered"] * 3)
    for one in many:
        assert stub.of(one) == [("POST", "booked"), ("PUT", "booked"), ("PUT", "cancelled")]
    assert stub.most_of_one == 1
    assert stub.most_at_once > 1


BACKED_UP = ("declaration", "appointment", "stored_offset")
ANSWERED = """
    select count(*) = 8 from declaration
    where attempts = $1 and due_at > answered_at + interval '35 seconds'
"""


async def answered(served: Served, appointment_id: str) -> bool:
    found = await rows(served, appointment_id)
    return bool(found) and found[0]["answer_status"] is not None


async def tried_twice(served: Served, appointment_id: str) -> bool:
    return bool((await rows(served, appointment_id))[0]["attempts"] >= 2)


async def test_a_platform_s_wish_to_be_left_alone_is_honoured(stack: Stack, stub: Stub) -> None:
    stub.next, one = [Does(status=429, headers={"Retry-After": "3600"})], new_id()
    async with declaring(stack, platform(stub)) as up:
        await up.hear(REFERRALS, accepted(one, ONE_PLACE, at(9)))
        await until(lambda: answered(up, one))
        wait = await up.run.pool.fetchval(
            "select extract(epoch from due_at - answered_at)::float from declaration"
        )
        assert 3599 <= wait <= 3601
        (found,) = await rows(up, one)
        assert (found["state"], found["answer_status"]) == ("pending", 429)


async def test_waits_grow_to_a_limit_and_are_not_the_same(stack: Stack, stub: Stub) -> None:
    stub.next = [Does(status=503)] * 40
    pace = Pace(retry_seconds=100, retry_seconds_max=400, look_every_seconds=0.02)
    last = "select extract(epoch from due_at - answered_at)::float from declaration"
    async with declaring(stack, platform(stub), pace=pace) as up:
        for attempt, longest in enumerate((100, 200, 400, 400), start=1):
            if attempt == 1:
                many = [new_id() for _ in range(8)]
                await up.hear(REFERRALS, *(accepted(one, ONE_PLACE, at(9)) for one in many))
            else:
                await up.run.pool.execute("update declaration set due_at = now()")
            await until(partial(up.run.pool.fetchval, ANSWERED, attempt))
            waits = [row[0] for row in await up.run.pool.fetch(last)]
            assert all(longest / 2 - 1 <= each <= longest + 1 for each in waits), waits
            assert len(set(waits)) > 1
    stub.next = []


async def test_without_an_agreed_stand_in_only_what_a_regulator_booked_is_declared(
    stack: Stack, stub: Stub
) -> None:
    one = new_id()
    async with declaring(stack, platform(stub, regulator_when_unknown=None)) as up:
        await up.hear(REFERRALS, accepted(one, ONE_PLACE, at(9)))
        assert await states(up, one) == []


async def test_what_a_restored_backup_does_not_know_is_told_again_as_it_is_now(
    stack: Stack, stub: Stub
) -> None:
    delivered, changed, after = new_id(), new_id(), new_id()
    name = fresh_name(stack, "g")
    url = databases.create_databases(stack.admin_url, f"_{name}")["gateway"]
    service = gateway((platform(stub),), QUICK)
    async with serving(stack.kafka, url, f"{name}-", service) as up:
        await up.hear(REFERRALS, *(accepted(one, ONE_PLACE, at(9)) for one in (delivered, changed)))
        await become(up, delivered, "delivered")
        await become(up, changed, "delivered")
        for table in BACKED_UP:
            await up.run.pool.execute(f"create table kept_{table} as table {table}")
        await up.hear(REFERRALS, moved(changed, OTHER, at(10)), accepted(after, OTHER, at(10)))
        await up.hear(REFERRALS, cancelled(changed, sequence=9))
        await become(up, changed, *["delivered"] * 3)
        await become(up, after, "delivered")
    known = {one: len(stub.of(one)) for one in (delivered, changed, after)}
    connection = await asyncpg.connect(url)
    for table in BACKED_UP:
        await connection.execute(f"delete from {table}")
        await connection.execute(f"insert into {table} overriding system value table kept_{table}")
        await connection.execute(f"drop table kept_{table}")
    await connection.execute(BEGIN)
    await connection.close()
    async with serving(stack.kafka, url, f"{name}-", service) as again:
        await become(again, changed, "delivered", "delivered")
        await become(again, after, "delivered")
        await become(again, delivered, "delivered")
    databases.drop_databases(stack.admin_url, f"_{name}")
    assert stub.of(delivered)[known[delivered] :] == []
    assert stub.of(changed)[known[changed] :] == [("PUT", "cancelled")]
    assert stub.of(after)[known[after] :] == [("PUT", "booked")]


CERTIFIED = """
[[platform]]
name = "sas-95"
base = "{base}"
departements = ["95"]
authority_file = "ca.pem"
certificate_file = "gateway.pem"
key_file = "gateway.key"
regulator_when_unknown = "7d2d3a52-8a0c-4d8e-9a55-6d4bd7c0a001"
"""


async def test_each_side_shows_its_certificate_and_checks_the_other_s(
    stack: Stack, tmp_path: Path
) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    ours = authority.issue_cert("gateway.example.org", common_name="gateway")
    ours.cert_chain_pems[0].write_to_path(tmp_path / "gateway.pem")
    ours.private_key_pem.write_to_path(tmp_path / "gateway.key")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    stranger.cert_pem.write_to_path(tmp_path / "stranger.pem")
    file = tmp_path / "platforms.toml"
    async with a_platform(context) as stub:
        file.write_text(CERTIFIED.format(base=stub.base), "utf-8")
        (right,) = read_platforms({"CPTS_SAS_PLATFORMS": str(file)})
        distrusting = msgspec.structs.replace(
            right, name="x", departements=("78",), authority_file=str(tmp_path / "stranger.pem")
        )
        bare = msgspec.structs.replace(
            right, name="y", departements=("77",), certificate_file=None, key_file=None
        )
        async with declaring(stack, right, distrusting, bare) as up:
            told = {code: new_id() for code in ("95", "78", "77")}
            await up.hear(
                REFERRALS,
                *(accepted(one, ONE_PLACE, at(9), departement=code) for code, one in told.items()),
            )
            await become(up, told["95"], "delivered")
            for code in ("78", "77"):
                await until(partial(tried_twice, up, told[code]))
                assert await states(up, told[code]) == ["pending"]
    assert [one.client for one in stub.asked] == ["gateway"]


@pytest.mark.parametrize("state", ["pending", "delivered", "refused"])
async def test_the_state_of_delivery_can_be_asked_for(stack: Stack, stub: Stub, state: str) -> None:
    does = {"pending": Does(status=503), "delivered": Does(), "refused": Does(status=400)}
    stub.next, one = [does[state]], new_id()
    pace = msgspec.structs.replace(QUICK, retry_seconds=600, retry_seconds_max=600)
    async with declaring(stack, platform(stub), pace=pace) as up:
        await up.hear(REFERRALS, accepted(one, ONE_PLACE, at(9)))
        await become(up, one, state)
        for each in ("pending", "delivered", "refused"):
            listed = (await up.client.get(f"/declarations?state={each}")).json()["items"]
            assert len(listed) == (each == state)
        assert (await up.client.get("/declarations?state=nothing")).status_code == 400
