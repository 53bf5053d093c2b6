"""Messages of the Hub Santé go to referrals, its answers go back: each once, or again the same.

A message is taken off its queue last, after referrals has committed and the broker has confirmed
the answer. Whatever breaks before gives it back to the queue, and it goes the same way again: to
referrals a resend changes nothing, to the Hub the answer has the same identifier.

Any trouble ends the session with the broker, who then puts all that is open back in its order; the
next session begins after a pause. A message that referrals fails on (500) is put back alone.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import aio_pika
import httpx
import msgspec
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

from services.gateway.domain.hub_envelopes import (
    TIME_TO_LIVE,
    Answer,
    Refused,
    answer_to,
    read_heard,
    read_source,
)
from services.gateway.hub.judging import NotNow, Stumbled, judge
from services.gateway.hub.settings import CONNECTED, HubSettings, read_hub_settings
from services.gateway.store import hub
from services.messaging.database import is_not_now
from services.messaging.running import Running
from services.messaging.waiting import Backoff

log = logging.getLogger(__name__)

PREFETCH = 20
CONNECT_SECONDS = 10
PUBLISH_SECONDS = 30
CLOSE_SECONDS = 5
REFERRALS_SECONDS = 30

Incoming = asyncio.Queue[AbstractIncomingMessage | None]
Handle = Callable[[AbstractChannel, AbstractIncomingMessage], Awaitable[None]]


class LinkLost(Exception):  # noqa: N818
    """The broker closed the channel, or cancelled the consumer."""


LINK_TROUBLES = (
    LinkLost,
    aio_pika.exceptions.AMQPError,
    aio_pika.exceptions.ChannelInvalidStateError,
)


class Bridge(msgspec.Struct, frozen=True, kw_only=True):
    """What a session works with. `backoff` paces sessions, `stumbles` what is put back alone."""

    run: Running
    settings: HubSettings
    client: httpx.AsyncClient
    backoff: Backoff
    stumbles: Backoff


async def run_bridge(run: Running) -> None:
    """The bridge for ever, with the settings of the environment; nothing without them."""
    settings = read_hub_settings()
    if settings is not None:
        await keep_bridge(run, settings)


async def keep_bridge(run: Running, settings: HubSettings) -> None:
    """One session with the broker after the other, until cancelled.

    The service stays ready meanwhile: its other doors do not need the Hub. `hub_connected` among
    the counters tells whether there is a session.
    """
    wait_max = run.settings.limits.wait_seconds_max
    run.counters[CONNECTED] = 0
    async with httpx.AsyncClient(
        base_url=settings.referrals_url, timeout=REFERRALS_SECONDS, trust_env=False
    ) as client:
        bridge = Bridge(
            run=run,
            settings=settings,
            client=client,
            backoff=Backoff(wait_max),
            stumbles=Backoff(wait_max),
        )
        while True:
            try:
                await _session(bridge)
            except Exception as error:
                run.counters["hub_troubles"] += 1
                if reason := _reason(error):
                    log.warning("the Hub bridge waits: %s", reason)
                else:
                    log.exception("the Hub bridge failed and begins again")
            finally:
                run.counters[CONNECTED] = 0
            await bridge.backoff.wait()


def _reason(error: Exception) -> str | None:
    """Why a session ended; None for a bug. Messages of libraries may quote a body and stay out."""
    if isinstance(error, NotNow):
        return str(error)
    if isinstance(error, LINK_TROUBLES) or is_not_now(error):
        return type(error).__name__
    return None


async def _session(bridge: Bridge) -> None:
    """Listen to the three queues until something breaks; raises the first thing that did."""
    settings = bridge.settings
    connection = await aio_pika.connect(
        settings.address, ssl_context=settings.tls(), timeout=CONNECT_SECONDS
    )
    handles: tuple[Handle, ...] = (
        lambda channel, one: _carry(bridge, channel, one),
        lambda _, one: _hear(bridge, "ack", one),
        lambda _, one: _hear(bridge, "info", one),
    )
    try:
        listened = [await _consume(connection, queue) for queue in settings.queues]
        bridge.run.counters[CONNECTED] = 1
        log.info("the Hub bridge listens as %s", settings.client_id)
        async with asyncio.TaskGroup() as group:
            for (channel, incoming), handle in zip(listened, handles, strict=True):
                group.create_task(_handle_all(channel, incoming, handle))
    except ExceptionGroup as several:
        raise several.exceptions[0] from None
    finally:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(CLOSE_SECONDS):
                await connection.close()


async def _consume(connection: AbstractConnection, queue: str) -> tuple[AbstractChannel, Incoming]:
    """A channel and what comes over it from a queue, which is the Hub's and not declared here.

    None comes when nothing else can: the channel is closed, or the broker cancelled the consumer.
    """
    channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
    await channel.set_qos(prefetch_count=PREFETCH)
    incoming: Incoming = asyncio.Queue()

    def is_over(*_: Any) -> None:
        incoming.put_nowait(None)

    channel.close_callbacks.add(is_over)
    (await channel.get_underlay_channel()).on_consumer_cancel_callbacks.add(is_over)
    await (await channel.get_queue(queue, ensure=False)).consume(incoming.put)
    return channel, incoming


async def _handle_all(channel: AbstractChannel, incoming: Incoming, handle: Handle) -> None:
    """Handle what comes, one after the other. Raises `LinkLost` when no more can come."""
    while True:
        delivery = await incoming.get()
        if delivery is None or channel.is_closed:
            raise LinkLost
        await handle(channel, delivery)


async def _carry(
    bridge: Bridge, channel: AbstractChannel, delivery: AbstractIncomingMessage
) -> None:
    """Take one message to referrals and its answer to the Hub, then off the queue."""
    counters = bridge.run.counters
    try:
        verdict = await judge(bridge.client, delivery.body)
    except Stumbled as error:
        counters["hub_stumbles"] += 1
        log.error("a Hub message is put back: %s", error)  # noqa: TRY400 - told by referrals
        await bridge.stumbles.wait()
        await delivery.nack(requeue=True)
        return
    source = read_source(delivery.body)
    answer = None
    if source is not None:
        now = datetime.now(UTC)  # the Hub's expiry is real time, whatever clock a demo shows
        answer = answer_to(source, verdict, client_id=bridge.settings.client_id, now=now)
        await _publish(bridge, channel, answer)
    refusal = verdict if isinstance(verdict, Refused) else None
    if refusal is not None:
        log.warning("a Hub message is refused: %s %s", refusal.code, refusal.status)
    await hub.keep_message(
        bridge.run.pool,
        distribution_id=source.distribution_id if source else None,
        answer_id=answer.distribution_id if answer else None,
        refusal=refusal,
    )
    await delivery.ack()
    counters["hub_refused" if refusal else "hub_taken"] += 1
    bridge.backoff.succeeded()
    bridge.stumbles.succeeded()


async def _publish(bridge: Bridge, channel: AbstractChannel, answer: Answer) -> None:
    """Publish an answer under our own key; returns once the broker has it on disk or in a queue."""
    exchange = await channel.get_exchange(bridge.settings.exchange, ensure=False)
    message = aio_pika.Message(
        answer.body,
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=answer.distribution_id,
        expiration=TIME_TO_LIVE,
    )
    await exchange.publish(
        message, bridge.settings.client_id, mandatory=True, timeout=PUBLISH_SECONDS
    )


async def _hear(bridge: Bridge, queue: str, delivery: AbstractIncomingMessage) -> None:
    """Keep what is told of a message of ours, then take it off the queue."""
    heard = read_heard(delivery.body)
    if queue == "info":
        bridge.run.counters["hub_errors"] += 1
        log.warning("the Hub tells an error: %s %s", heard.code, heard.status)
    await hub.keep_heard(bridge.run.pool, queue=queue, heard=heard)
    await delivery.ack()
    bridge.backoff.succeeded()
