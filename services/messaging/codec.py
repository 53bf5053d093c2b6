"""An event on the wire: CloudEvents 1.0, Kafka binding, binary mode; the body is the event alone.

Reading never raises, whatever the record holds: one bad record must not cost its batch.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec
from faststream.message import StreamMessage

from contracts.departements import departements_by_code
from contracts.recorded import Recorded, type_name
from contracts.topics import Topic

SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/json"
SEQUENCE_MAX = 2**63 - 1
QUOTED = re.compile(r"'.*'", re.DOTALL)


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """The headers that every consumer relies on, under their names on the wire."""

    spec_version: str = msgspec.field(name="ce_specversion")
    id: UUID = msgspec.field(name="ce_id")
    source: str = msgspec.field(name="ce_source")
    type: str = msgspec.field(name="ce_type")
    subject: str = msgspec.field(name="ce_subject")
    occurred_at: datetime = msgspec.field(name="ce_time")
    recorded_at: datetime = msgspec.field(name="ce_recordedat")
    sequence: int = msgspec.field(name="ce_sequence")
    cause: str = msgspec.field(name="ce_cause")
    traceparent: str | None = None


DEPARTEMENTS = frozenset(departements_by_code())
READ = frozenset(field.encode_name for field in msgspec.structs.fields(Envelope))


class Record(Protocol):
    """What is read of a Kafka record; aiokafka's has these fields."""

    @property
    def topic(self) -> str: ...  # noqa: D102
    @property
    def partition(self) -> int: ...  # noqa: D102
    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def key(self) -> bytes | None: ...  # noqa: D102
    @property
    def value(self) -> bytes | None: ...  # noqa: D102
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...  # noqa: D102


class Unknown(msgspec.Struct, frozen=True):
    """A record of a type that this service has no interest in."""

    type: str


class Breach(msgspec.Struct, frozen=True):
    """A record that breaks the contract, and how."""

    reason: str
    type: str | None = None


Heard = Recorded[Any] | Unknown | Breach


class Decoder:
    """Reads the records of one topic, for one consumer that understands some of its types."""

    def __init__(self, topic: Topic, understands: Iterable[type[msgspec.Struct]]) -> None:
        self._bodies = {type_name(one): msgspec.json.Decoder(one) for one in understands}
        self._source = source_of(topic.producer)

    def decode(self, record: Record) -> Heard:
        """What the record says. Never raises: anything wrong is a `Breach`."""
        type_: str | None = None
        try:
            told = dict(record.headers)
            type_ = told["ce_type"].decode()  # type: ignore[union-attr]
            body = self._bodies.get(type_)
            if body is None:
                return Unknown(type_)
            read = {name: told[name].decode() for name in READ if name in told}  # type: ignore[union-attr]
            head = msgspec.convert(read, Envelope, strict=False)
            event = body.decode(record.value or b"")
            departement = (record.key or b"").decode()
            if departement not in DEPARTEMENTS:
                return Breach(f"the key {departement!r} is no département", type_)
            if wrong := self._wrong_in(read, head):
                return Breach(wrong, type_)
            return Recorded(
                id=head.id,
                subject=head.subject,
                sequence=head.sequence,
                departement=departement,
                occurred_at=head.occurred_at,
                recorded_at=head.recorded_at,
                cause=head.cause,
                event=event,
                traceparent=head.traceparent,
            )
        except KeyError as missing:
            return Breach(f"no header {missing.args[0]}", type_)
        except Exception as error:  # noqa: BLE001 - the promise of this function
            # What does not fit may name a patient, and reasons are logged: values are left out.
            complaint = QUOTED.sub("'…'", str(error))
            return Breach(f"{type(error).__name__}: {complaint}", type_)

    def _wrong_in(self, read: Mapping[str, str], head: Envelope) -> str | None:
        """What in the headers is not as the contract says, though each can be read."""
        if head.spec_version != SPEC_VERSION:
            return f"CloudEvents {head.spec_version}"
        if head.source != self._source:
            return f"said by {head.source}, not by {self._source}"
        if not head.subject:
            return "no subject"
        if not 0 < head.sequence <= SEQUENCE_MAX or not read["ce_sequence"].isdecimal():
            return f"the sequence {read['ce_sequence']}"
        for name, instant in (("ce_time", head.occurred_at), ("ce_recordedat", head.recorded_at)):
            if instant.tzinfo is None or "-" not in read[name]:
                return f"{name}: an instant without offset"
        return None


class Codec:
    """FastStream's batch codec over the decoders of the topics consumed, by Kafka topic name."""

    def __init__(self, decoders: Mapping[str, Decoder]) -> None:
        self._decoders = decoders

    async def decode_batch(self, msg: StreamMessage[Any]) -> list[Any]:
        """What each record of the batch says, in order; never raises."""
        return self.decode_records(msg.raw_message)

    def decode_records(self, records: Iterable[Record]) -> list[Any]:
        """The records with what they say, in order."""
        decoders = self._decoders
        return [(record, decoders[record.topic].decode(record)) for record in records]

    async def decode(self, msg: StreamMessage[Any]) -> Any:
        """Not used: every subscriber takes batches."""
        raise NotImplementedError

    async def encode(self, msg: Any, serializer: Any = None) -> tuple[bytes, str | None]:
        """Not used: events leave through the outbox."""
        raise NotImplementedError

    async def encode_batch(
        self, msgs: Sequence[Any], serializer: Any = None
    ) -> list[tuple[bytes, str | None]]:
        """Not used: events leave through the outbox."""
        raise NotImplementedError


def source_of(service: str) -> str:
    """How a service names itself on the wire."""
    return f"/services/{service}"


_encoder = msgspec.json.Encoder()


def encode_body(recorded: Recorded[Any]) -> bytes:
    """The body of a record: the event with its tag, as JSON."""
    return _encoder.encode(recorded.event)


def encode_headers(source: str, row: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    """The headers of a record, from an outbox row and the service that says it.

    Instants are in UTC: offsets of before 1911 have seconds, which RFC 3339 cannot write.
    """
    headers = [
        ("ce_specversion", SPEC_VERSION),
        ("ce_id", str(row["id"])),
        ("ce_type", row["type"]),
        ("ce_source", source_of(source)),
        ("ce_subject", row["subject"]),
        ("ce_time", row["occurred_at"].astimezone(UTC).isoformat()),
        ("ce_recordedat", row["recorded_at"].astimezone(UTC).isoformat()),
        ("ce_sequence", str(row["sequence"])),
        ("ce_cause", row["cause"]),
        ("content-type", CONTENT_TYPE),
    ]
    if row["traceparent"]:
        headers.append(("traceparent", row["traceparent"]))
    return [(name, value.encode()) for name, value in headers]
