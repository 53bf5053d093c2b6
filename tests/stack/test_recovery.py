"""What happens to instances when they are killed, moved together, or abandoned."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import psutil
import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local import instance, postgres, processes, topics
from deploy.local.processes import ComponentFailed
from deploy.local.stack import Stack
from tests.stack.holding import hold


async def _write(stack: Stack, text: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka)
    await admin.start()
    await admin.create_topics([NewTopic("kept", 1, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=stack.kafka, acks="all")
    await producer.start()
    await producer.send_and_wait("kept", text.encode())
    await producer.stop()
    with psycopg.connect(stack.database_urls["payments"]) as connection:
        connection.execute("create table kept (text text)")
        connection.execute("insert into kept values (%s)", (text,))


async def _read(stack: Stack) -> tuple[str, str]:
    consumer = AIOKafkaConsumer(bootstrap_servers=stack.kafka)
    await consumer.start()
    partition = TopicPartition("kept", 0)
    consumer.assign([partition])
    await consumer.seek_to_beginning(partition)
    record = await asyncio.wait_for(consumer.getone(), timeout=20)
    await consumer.stop()
    with psycopg.connect(stack.database_urls["payments"]) as connection:
        row = connection.execute("select text from kept").fetchone()
    assert row is not None
    return record.value.decode(), row[0]


async def test_everything_killed_comes_back_with_its_data(own_home: Path) -> None:
    before = Stack("killed").start()
    await _write(before, "written before")
    killed = instance.leftovers(before.folder)
    for process in killed:
        process.kill()
    psutil.wait_procs(killed, timeout=30)  # the ports are theirs until they have ended
    after = Stack("killed").start()
    assert await _read(after) == ("written before", "written before")
    assert after.kafka == before.kafka
    assert after.admin_url == before.admin_url
    after.reset()
    assert not after.folder.exists()


async def test_two_instances_live_side_by_side(own_home: Path) -> None:
    first, second = Stack("first").start(), Stack("second").start()
    await _write(first, "of the first")
    await _write(second, "of the second")
    assert await _read(first) == ("of the first", "of the first")
    assert await _read(second) == ("of the second", "of the second")
    first.reset()
    assert await _read(second) == ("of the second", "of the second")
    second.reset()


async def test_servers_given_by_the_environment_replace_the_embedded_ones(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Stack("host").start()
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", host.kafka)
    monkeypatch.setenv("POSTGRES_URL", host.admin_url)
    with Stack("guest", ephemeral=True) as guest:
        assert (guest.kafka, guest.admin_url) == (host.kafka, host.admin_url)
        assert guest.process("kafka") is None
        assert guest.process("postgres") is None
        environment = guest.service_environment("payments")
        assert environment["CPTS_NAMESPACE"] == guest.namespace
        admin = AIOKafkaAdminClient(bootstrap_servers=guest.kafka)
        await admin.start()
        await admin.create_topics([NewTopic(f"{guest.namespace}payments", 1, 1)])
        await admin.close()
        guests_url = guest.database_urls["payments"]
        psycopg.connect(guests_url).close()
        assert list(topics.log_bounds(host.kafka)) == [f"{guest.namespace}payments"]
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(guests_url)
    assert topics.log_bounds(host.kafka) == {}
    host.reset()


def test_a_failed_start_tells_the_last_lines_though_nothing_is_kept(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres.SETTINGS, "fsync", "perhaps")
    stack = Stack("failing", ephemeral=True)
    with pytest.raises(ComponentFailed, match="PostgreSQL ended while starting") as failure:
        stack.start()
    assert 'parameter "fsync" requires a Boolean value' in str(failure.value)
    assert not stack.folder.exists()


def test_a_stop_is_clean_and_starting_twice_keeps_what_runs(own_home: Path) -> None:
    stack = Stack("twice").start()
    process = stack.process("kafka")
    assert process is not None
    again = Stack("twice").start()
    assert again.process("kafka") == process
    again.stop()
    again.stop()
    assert instance.leftovers(stack.folder) == []
    stack.reset()


def test_a_port_taken_meanwhile_is_replaced(own_home: Path) -> None:
    before = Stack("moved").start()
    before.stop()
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", before.port("postgres")))
        squatter.listen()
        after = Stack("moved").start()
        assert after.admin_url != before.admin_url
        after.reset()


def test_an_ephemeral_instance_ends_with_its_owner(own_home: Path) -> None:
    owner, folder = hold()
    assert instance.leftovers(folder)
    owner.kill()
    owner.wait()
    assert processes.wait_until(lambda: not folder.exists(), within_seconds=20)
    assert instance.leftovers(folder) == []


def test_what_a_killed_owner_and_watcher_left_is_cleared_by_the_next_start(own_home: Path) -> None:
    owner, folder = hold()
    watchers = [
        process
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"] and process.info["cmdline"][-1] == str(folder)
    ]
    assert len(watchers) == 1
    watchers[0].kill()
    owner.kill()
    owner.wait()
    assert instance.leftovers(folder)
    with Stack("next", ephemeral=True):
        assert instance.leftovers(folder) == []
        assert not folder.exists()


def test_an_interrupted_owner_leaves_nothing(own_home: Path) -> None:
    owner, folder = hold()
    os.killpg(owner.pid, signal.SIGINT)
    owner.wait(timeout=30)
    assert processes.wait_until(lambda: not folder.exists(), within_seconds=20)
    assert instance.leftovers(folder) == []


def test_a_record_does_not_take_a_stranger_for_its_process() -> None:
    own = processes.own_record()
    assert own.is_running()
    assert not processes.RecordedProcess(
        pid=own.pid, started_at=own.started_at - 1, boot=own.boot
    ).is_running()
    assert not processes.RecordedProcess(
        pid=own.pid, started_at=own.started_at, boot="another"
    ).is_running()
