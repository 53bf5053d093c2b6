"""The Hub Santé of `just demo --sas`: a RabbitMQ, where one is installed, that holds our queues."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aio_pika

from deploy.local import certs, rabbitmq
from deploy.local.demo.hub import RECIPIENT
from deploy.local.rabbitmq import INBOX, Certificates, Rabbit

ANSWERED_WITHIN_SECONDS = 30
CLIENT, BROKER = "hub-client", "hub"


@contextmanager
def hub_in(folder: Path, certificates: Path) -> Iterator[Rabbit | None]:
    """The broker, under way, with certificates of the demo's authority; None where there is none.

    `folder` is that of the instance.
    """
    if rabbitmq.server() is None:
        yield None
        return
    certs.issue(certificates, BROKER, "localhost", ("localhost", "127.0.0.1"))
    certs.issue(certificates, CLIENT, RECIPIENT)
    shown = Certificates(
        authority_file=certificates / "authority.pem",
        certificate_file=certificates / f"{BROKER}.pem",
        key_file=certificates / f"{BROKER}.key",
    )
    broker = Rabbit(folder / "rabbitmq", RECIPIENT, shown, instance=folder)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


def environment(broker: Rabbit, certificates: Path, referrals_url: str) -> dict[str, str]:
    """What the gateway's bridge is told: it is known to the broker by its certificate."""
    return {
        "HUB_URL": broker.tls_url,
        "HUB_CLIENT_ID": RECIPIENT,
        "HUB_CA_FILE": str(certificates / "authority.pem"),
        "HUB_CERTIFICATE_FILE": str(certificates / f"{CLIENT}.pem"),
        "HUB_KEY_FILE": str(certificates / f"{CLIENT}.key"),
        "REFERRALS_URL": referrals_url,
    }


def relay(broker: Rabbit, envelope: dict[str, Any]) -> dict[str, Any]:
    """Put a message into our queue, as the Hub does; the message that the gateway answers with.

    Raises TimeoutError when it answers nothing.
    """
    return asyncio.run(_relay(broker.url, json.dumps(envelope).encode()))


async def _relay(url: str, body: bytes) -> dict[str, Any]:
    message_queue = rabbitmq.queues_of(RECIPIENT)[0]
    async with asyncio.timeout(ANSWERED_WITHIN_SECONDS), await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        inbox = await channel.get_queue(INBOX)
        message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, message_queue)
        async with inbox.iterator() as answers:
            async for answer in answers:
                await answer.ack()
                told = json.loads(answer.body)
                content = told["content"][0]["jsonContent"]["embeddedJsonContent"]["message"]
                return dict(content)
    raise TimeoutError
