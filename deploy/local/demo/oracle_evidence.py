"""The oracle's half about files of evidence: what a file is by its bytes, and which is refused.

Written from the rules; shares no code with the services.
"""

import hashlib
from collections.abc import Collection

from deploy.local.demo.orders import Order

SIZE_MAX_BYTES = 20 * 2**20
ROLES = ("cpts", "caisse", "ars", "system")
MARKS = {
    b"%PDF-": "application/pdf",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"PK\x03\x04": "application/zip",
}
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OPEN = "application/octet-stream"


class Evidence:
    """The digest and the type of each file, by CPTS and id."""

    def __init__(self) -> None:
        self.files: dict[tuple[str, str], tuple[str, str]] = {}

    def order(self, order: Order, cpts_ids: Collection[str]) -> str:
        """The outcome of an order that sends a file; `cpts_ids` are the CPTS that are known."""
        path, _, query = order.path.partition("?")
        _, _, cpts_id, _, evidence_id = path.split("/")
        if order.role not in ROLES:
            return "role_not_allowed"
        if order.role == "cpts" and order.acting_cpts != cpts_id:
            return "not_the_acting_cpts"
        said = query.removeprefix("sha256=")
        if cpts_id not in cpts_ids:
            return "404"
        if not said:
            return "400"
        content = order.content()
        if len(content) > SIZE_MAX_BYTES:
            return "http 413"
        media_type = type_of(content)
        if media_type is None or order.media_type not in (OPEN, media_type):
            return "another_type"
        if hashlib.sha256(content).hexdigest() != said:
            return "another_digest"
        known = self.files.setdefault((cpts_id, evidence_id), (said, media_type))
        return "ok" if known == (said, media_type) else "already_exists"

    def of_cpts(self, cpts_id: str) -> set[str]:
        """The pieces of a CPTS that are files."""
        return {evidence_id for whose, evidence_id in self.files if whose == cpts_id}


def type_of(content: bytes) -> str | None:
    """What a file is, None when it is nothing that is taken: a text is one of separated fields."""
    found = next((kind for mark, kind in MARKS.items() if content.startswith(mark)), None)
    if found == "application/zip" and b"xl/workbook.xml" in content:
        return WORKBOOK
    if found is not None:
        return found
    head, *_ = content.partition(b"\n")
    is_table = any(mark in head for mark in (b";", b",", b"\t"))
    return "text/csv" if is_table else None
