"""A real RabbitMQ as the Hub runs it, on free ports and in a folder of its own.

It is Debian's `rabbitmq-server`, as root or not: the wrapper in the path, which changes the user
and the folder, is passed by.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import trustme

from deploy.local.ports import accepts_connections, free_port

CLIENT, SENDER, EXCHANGE, INBOX = "fr.health.cpts", "fr.health.ptfsas", "hubsante", "hub.inbox"
QUEUES = tuple(f"{CLIENT}.{kind}" for kind in ("message", "ack", "info"))
PLACES = ("/usr/lib/rabbitmq/bin", "/usr/local/lib/rabbitmq/bin")
UP_WITHIN_SECONDS = 90


def server() -> str | None:
    """The server's own script, if it is installed."""
    return shutil.which("rabbitmq-server", path=os.pathsep.join(PLACES))


def definitions() -> dict[str, Any]:
    """Two users and what the Hub gives a client: an exchange, three queues; and where it reads."""
    names = [*QUEUES, INBOX]
    rights = {"vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
    own = {"configure": "", "write": EXCHANGE, "read": f"{CLIENT}\\..*"}
    users = [
        {"name": "guest", "password": "guest", "tags": "administrator"},
        {"name": CLIENT, "password_hash": "", "tags": ""},
    ]
    return {
        "users": users,
        "vhosts": [{"name": "/"}],
        "permissions": [{"user": "guest"} | rights, {"user": CLIENT} | rights | own],
        "exchanges": [
            {"name": EXCHANGE, "vhost": "/", "type": "direct", "durable": True}
            | {"auto_delete": False, "arguments": {}}
        ],
        "queues": [
            {"name": name, "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}}
            for name in names
        ],
        "bindings": [
            {"source": EXCHANGE, "vhost": "/", "destination": INBOX, "destination_type": "queue"}
            | {"routing_key": CLIENT, "arguments": {}}
        ],
    }


class Rabbit:
    """The broker; it may be killed and started again on what it has on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        taken: list[int] = []
        for _ in range(4):
            taken.append(free_port(taken))
        self.port, self.tls_port, self._epmd_port, self._dist_port = taken
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}/"
        self.tls_url = f"amqps://localhost:{self.tls_port}/"
        self._broker: subprocess.Popen[bytes] | None = None
        self._epmd: subprocess.Popen[bytes] | None = None
        self.authority = trustme.CA()
        self._write_files()

    def certificate(self, authority: trustme.CA, name: str) -> tuple[Path, Path]:
        """The files of a certificate and its key, of a common name."""
        made = authority.issue_cert(name, common_name=name)
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        key.write_bytes(made.private_key_pem.bytes())
        certificate.write_bytes(b"".join(one.bytes() for one in made.cert_chain_pems))
        return certificate, key

    def _write_files(self) -> None:
        self.authority.cert_pem.write_to_path(str(self.folder / "ca.pem"))
        certificate, key = self.certificate(self.authority, "localhost")
        (self.folder / "definitions.json").write_text(json.dumps(definitions()))
        (self.folder / "plugins").write_text("[rabbitmq_auth_mechanism_ssl].")
        (self.folder / "environment").write_text("")
        (self.folder / "rabbit.conf").write_text(f"""
listeners.tcp.1 = 127.0.0.1:{self.port}
listeners.ssl.1 = 127.0.0.1:{self.tls_port}
ssl_options.cacertfile = {self.folder / "ca.pem"}
ssl_options.certfile = {certificate}
ssl_options.keyfile = {key}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
ssl_options.versions.1 = tlsv1.2
ssl_cert_login_from = common_name
auth_mechanisms.1 = PLAIN
auth_mechanisms.2 = EXTERNAL
load_definitions = {self.folder / "definitions.json"}
disk_free_limit.absolute = 1MB
log.file = false
log.console = true
""")

    def _environment(self) -> dict[str, str]:
        folder = str(self.folder)
        return {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "LANG": "C.UTF-8",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_NODENAME": f"hub{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/environment",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbit.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{folder}/generated",
        }

    async def start(self) -> None:
        """Start it and return once it takes connections."""
        script = server()
        assert script is not None, "the fixture skips without it"
        if self._epmd is None:
            # Ours, in the foreground: the one that Erlang would start outlives everything.
            self._epmd = self._run("epmd", "-port", str(self._epmd_port))
        self._broker = self._run(script)
        async with asyncio.timeout(UP_WITHIN_SECONDS):
            while True:
                assert self._broker.poll() is None, self._log.read_text()
                if accepts_connections(self.port) and accepts_connections(self.tls_port):
                    return
                await asyncio.sleep(0.1)

    @property
    def _log(self) -> Path:
        return self.folder / "output.log"

    def _run(self, *command: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End it as a power cut does."""
        _end(self._broker)
        self._broker = None

    def stop(self) -> None:
        """End it and its port mapper."""
        self.kill()
        _end(self._epmd)


def _end(process: subprocess.Popen[bytes] | None) -> None:
    if process is not None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def rabbit_in(folder: Path) -> Iterator[Rabbit]:
    """A broker that is not started yet; ended at the end."""
    broker = Rabbit(folder)
    try:
        yield broker
    finally:
        broker.stop()
