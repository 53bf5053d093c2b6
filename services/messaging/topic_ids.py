"""The ids of topics, which tell a topic from another one made later under the same name.

aiokafka 0.14 stops at version 5 of the Metadata request, and ids came with version 10: version 12
is spelled out here with aiokafka's own protocol types.
"""

from typing import Any
from uuid import UUID

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

NO_ID = UUID(int=0)


class UuidField:
    """A UUID of Kafka's protocol: sixteen bytes."""

    def encode(self, value: UUID) -> bytes:
        """The bytes of a UUID."""
        return value.bytes

    def decode(self, data: Any) -> UUID:
        """The UUID that the next sixteen bytes hold."""
        return UUID(bytes=data.read(16))

    def repr(self, value: UUID) -> str:
        """A UUID as text, for aiokafka's debug logs."""
        return str(value)


class MetadataResponseV12(Response):  # type: ignore[misc]
    """Metadata response, version 12."""

    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString("utf-8")),
                ("topic_id", UuidField()),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class MetadataRequestV12(RequestStruct):  # type: ignore[misc]
    """Metadata request, version 12."""

    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 12
    RESPONSE_TYPE = MetadataResponseV12
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(
                ("topic_id", UuidField()), ("name", CompactString("utf-8")), ("tags", TaggedFields)
            ),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class TopicIdsRequest(Request[MetadataRequestV12]):  # type: ignore[misc]
    """Asks for the metadata of some topics, ids included."""

    API_KEY = 3

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def build(self, request_struct_class: type[MetadataRequestV12]) -> MetadataRequestV12:
        """The request on the wire."""
        topics: list[tuple[UUID, str, dict[int, bytes]]] = [
            (NO_ID, name, {}) for name in self._names
        ]
        return request_struct_class(topics, False, False, {})


async def describe(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, tuple[UUID, int]]:
    """The id and the number of partitions of each topic.

    Raises the Kafka error of the first topic that has one (`UnknownTopicOrPartitionError` when it
    does not exist).
    """
    response = await admin._send_request(TopicIdsRequest(names))  # noqa: SLF001 - no public way
    found = {}
    for error_code, name, topic_id, _internal, partitions, *_ in response.topics:
        error = for_code(error_code)
        if error_code:
            raise error(name)
        found[name] = (topic_id, len(partitions))
    return found
