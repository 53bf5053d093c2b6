"""A real RabbitMQ as the Hub runs it (`deploy.local.rabbitmq`), with an authority of the tests."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme

from deploy.local import rabbitmq
from deploy.local.rabbitmq import INBOX, Certificates, queues_of, server

__all__ = ["CLIENT", "INBOX", "QUEUES", "SENDER", "Rabbit", "rabbit_in", "server"]

CLIENT, SENDER = "fr.health.cpts", "fr.health.ptfsas"
QUEUES = queues_of(CLIENT)


class Rabbit:
    """The broker; it may be killed and started again on what it has on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = trustme.CA()
        authority_file = folder / "ca.pem"
        self.authority.cert_pem.write_to_path(str(authority_file))
        certificate, key = self.certificate(self.authority, "localhost")
        shown = Certificates(
            authority_file=authority_file, certificate_file=certificate, key_file=key
        )
        self._broker = rabbitmq.Rabbit(folder, CLIENT, shown)
        self.url, self.tls_url = self._broker.url, self._broker.tls_url
        self.kill, self.stop = self._broker.kill, self._broker.stop

    def certificate(self, authority: trustme.CA, name: str) -> tuple[Path, Path]:
        """The files of a certificate and its key, of a common name."""
        made = authority.issue_cert(name, common_name=name)
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        key.write_bytes(made.private_key_pem.bytes())
        certificate.write_bytes(b"".join(one.bytes() for one in made.cert_chain_pems))
        return certificate, key

    async def start(self) -> None:
        """Start it and return once it takes connections."""
        self._broker.start()
        await asyncio.to_thread(self._broker.wait_ready)


@contextmanager
def rabbit_in(folder: Path) -> Iterator[Rabbit]:
    """A broker that is not started yet; ended at the end."""
    broker = Rabbit(folder)
    try:
        yield broker
    finally:
        broker.stop()
