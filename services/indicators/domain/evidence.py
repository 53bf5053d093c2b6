"""Pieces of evidence: what a file is by its own bytes, and what is refused."""

from typing import Final

from contracts.events.indicators import EvidenceRecorded
from services.indicators.domain.refusals import Refusal

SIZE_MAX_BYTES: Final = 20 * 1024 * 1024
PDF, PNG, JPEG = "application/pdf", "image/png", "image/jpeg"
ZIP, CSV = "application/zip", "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_BEGINNINGS: Final = (
    (b"%PDF-", PDF),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"PK\x03\x04", ZIP),
)
# The names of what a workbook holds are readable in any ZIP file.
_WORKBOOK: Final = (b"[Content_Types].xml", b"xl/workbook.xml")
_CONTROLS: Final = frozenset(range(32)) - {9, 10, 13}
_SEPARATORS: Final = (b";", b",", b"\t")


def media_type_of(content: bytes) -> str | None:
    """What a file is, by its first bytes; None when it is nothing that is taken.

    A text is a CSV file when it is UTF-8 without control characters, and its first line has fields.
    """
    for beginning, media_type in _BEGINNINGS:
        if content.startswith(beginning):
            is_workbook = media_type == ZIP and all(name in content for name in _WORKBOOK)
            return XLSX if is_workbook else media_type
    first_line = content.split(b"\n", 1)[0]
    if not any(separator in first_line for separator in _SEPARATORS):
        return None
    if not _CONTROLS.isdisjoint(content):
        return None
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return CSV


def take_evidence(
    cpts_id: str,
    evidence_id: str,
    content: bytes,
    *,
    sha256: str,
    said_sha256: str,
    said_type: str | None,
) -> EvidenceRecorded | Refusal:
    """The event of a file whose digest is `sha256`; `said_…` is what the caller says of it."""
    if len(content) > SIZE_MAX_BYTES:
        return Refusal.TOO_LARGE
    media_type = media_type_of(content)
    if media_type is None or said_type not in {None, media_type}:
        return Refusal.ANOTHER_TYPE
    if said_sha256 != sha256:
        return Refusal.ANOTHER_DIGEST
    return EvidenceRecorded(
        cpts_id=cpts_id,
        evidence_id=evidence_id,
        sha256=sha256,
        size_bytes=len(content),
        media_type=media_type,
    )


def evidence_subject(cpts_id: str, evidence_id: str) -> str:
    """The aggregate's id of a piece of evidence."""
    return f"{cpts_id}/evidence/{evidence_id}"
