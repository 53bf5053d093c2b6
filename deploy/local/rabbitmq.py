"""A RabbitMQ as the Hub Santé runs it for a client, on free ports and in a folder of its own.

It is Debian's `rabbitmq-server`, as root or not: the wrapper in the path, which changes the user
and the folder, is passed by. Whoever shows a certificate is known by its common name.
"""

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import msgspec

from deploy.local import processes
from deploy.local.ports import accepts_connections, free_port
from deploy.local.processes import ComponentFailed, RecordedProcess

EXCHANGE, INBOX = "hubsante", "hub.inbox"
PLACES = ("/usr/lib/rabbitmq/bin", "/usr/local/lib/rabbitmq/bin")
UP_WITHIN_SECONDS = 90


class Certificates(msgspec.Struct, frozen=True, kw_only=True):
    """The broker's own certificate, and who signs those of its clients."""

    authority_file: Path
    certificate_file: Path
    key_file: Path


def server() -> str | None:
    """The server's own script, if it is installed."""
    return shutil.which("rabbitmq-server", path=os.pathsep.join(PLACES))


def queues_of(client_id: str) -> tuple[str, str, str]:
    """What the Hub puts messages, acknowledgements and errors for a client into."""
    return f"{client_id}.message", f"{client_id}.ack", f"{client_id}.info"


def definitions(client_id: str) -> dict[str, Any]:
    """Two users and what the Hub gives a client: an exchange, three queues; and where it reads."""
    names = [*queues_of(client_id), INBOX]
    rights = {"vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
    own = {"configure": "", "write": EXCHANGE, "read": f"{client_id}\\..*"}
    users = [
        {"name": "guest", "password": "guest", "tags": "administrator"},
        {"name": client_id, "password_hash": "", "tags": ""},
    ]
    return {
        "users": users,
        "vhosts": [{"name": "/"}],
        "permissions": [{"user": "guest"} | rights, {"user": client_id} | rights | own],
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
            | {"routing_key": client_id, "arguments": {}}
        ],
    }


class Rabbit:
    """The broker; it may be killed and started again on what it has on disk.

    `instance` is the folder of the instance to which its processes belong, if they do to one.
    """

    def __init__(
        self,
        folder: Path,
        client_id: str,
        certificates: Certificates,
        instance: Path | None = None,
    ) -> None:
        self.folder = folder
        self._mark = {} if instance is None else {processes.FOLDER_VARIABLE: str(instance)}
        taken: list[int] = []
        for _ in range(4):
            taken.append(free_port(taken))
        self.port, self.tls_port, self._epmd_port, self._dist_port = taken
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}/"
        self.tls_url = f"amqps://localhost:{self.tls_port}/"
        self._broker: RecordedProcess | None = None
        self._epmd: RecordedProcess | None = None
        self._write_files(client_id, certificates)

    def _write_files(self, client_id: str, certificates: Certificates) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "definitions.json").write_text(json.dumps(definitions(client_id)))
        (self.folder / "plugins").write_text("[rabbitmq_auth_mechanism_ssl].")
        (self.folder / "environment").write_text("")
        (self.folder / "rabbit.conf").write_text(f"""
listeners.tcp.1 = 127.0.0.1:{self.port}
listeners.ssl.1 = 127.0.0.1:{self.tls_port}
ssl_options.cacertfile = {certificates.authority_file}
ssl_options.certfile = {certificates.certificate_file}
ssl_options.keyfile = {certificates.key_file}
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
            **self._mark,
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

    def start(self) -> None:
        """Start it; `wait_ready` says when it takes connections."""
        script = server()
        assert script is not None, "nobody starts it where it is not installed"
        if self._epmd is None:
            # Ours, in the foreground: the one that Erlang would start outlives everything.
            self._epmd = self._run("epmd", "-port", str(self._epmd_port))
        self._broker = self._run(script)

    def wait_ready(self) -> None:
        """Wait until it takes connections. Raises `ComponentFailed`."""
        broker, log = self._broker, self.folder / "output.log"
        assert broker is not None, "it was started"

        def is_settled() -> bool:
            is_up = accepts_connections(self.port) and accepts_connections(self.tls_port)
            return is_up or processes.has_ended(broker)

        in_time = processes.wait_until(is_settled, within_seconds=UP_WITHIN_SECONDS)
        if not in_time or processes.has_ended(broker):
            raise ComponentFailed("RabbitMQ", "did not get ready", log, "look at its log")

    def _run(self, *command: str) -> RecordedProcess:
        return processes.start(
            command,
            log=self.folder / "output.log",
            environment=self._environment(),
            folder=self.folder,
        )

    def kill(self) -> None:
        """End it as a power cut does."""
        _end(self._broker)
        self._broker = None

    def stop(self) -> None:
        """End it and its port mapper."""
        self.kill()
        _end(self._epmd)
        self._epmd = None


def _end(process: RecordedProcess | None) -> None:
    if process is not None:
        processes.stop(process, by=signal.SIGKILL)
