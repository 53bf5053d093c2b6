"""Files that prove what CPTS declare: taken, sent again, and refused by size, type and digest."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from deploy.local.demo.hub import PARIS
from deploy.local.demo.missions import evidence_of
from deploy.local.demo.opening import Desk
from deploy.local.demo.orders import Draft

SENT_AT = datetime(2025, 11, 27, 9, 0, tzinfo=PARIS)
VAL, FORETS = "95-haut-val", "95-trois-forets"
PDF, PNG, ZIP, CSV = "application/pdf", "image/png", "application/zip", "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OPEN = "application/octet-stream"
SIZE_MAX_BYTES = 20 * 1024 * 1024
MINUTES = b"%PDF-1.7\ncompte rendu"


def evidence() -> Iterator[Draft]:
    """All of these orders, some of which must be refused."""
    desk = Desk(SENT_AT, "evidence")
    minutes, sheet = evidence_of("g0")

    def send(
        evidence_id: str,
        content: bytes,
        media_type: str = OPEN,
        *,
        cpts_id: str = VAL,
        role: str = "cpts",
        digest: str | None = None,
        **more: Any,
    ) -> Draft:
        path = f"/cpts/{cpts_id}/evidence/{evidence_id}"
        whole = content + bytes(more.get("padding_bytes", 0))
        told = hashlib.sha256(whole).hexdigest() if digest is None else digest
        more |= {"lane": path, "file": content, "media_type": media_type}
        query = f"?sha256={told}" if told else ""
        return desk.order("indicators", "PUT", f"{path}{query}", {}, role=role, **more)

    yield send(minutes, MINUTES, PDF, digest="")
    yield send(minutes, MINUTES, PDF, digest="0" * 64)
    yield send(minutes, MINUTES, PNG)
    yield send(minutes, b"ni l'un ni l'autre")
    yield send(minutes, MINUTES, PDF, padding_bytes=SIZE_MAX_BYTES - len(MINUTES) + 1)
    yield send(minutes, MINUTES, PDF, acting_cpts=FORETS)
    yield send(minutes, MINUTES, PDF, role="regulation")
    yield send(minutes, MINUTES, PDF, role="ars", cpts_id="95-nulle-part")
    yield send(minutes, MINUTES, PDF)
    yield send(minutes, MINUTES)
    yield send(minutes, MINUTES + b" corrige", PDF)
    yield send(sheet, b"nom;present\n1;oui\n", CSV)
    for n, (content, media_type) in enumerate(
        ((b"\x89PNG\r\n\x1a\n.", PNG), (b"PK\x03\x04.", ZIP), (_WORKBOOK, XLSX)), start=1
    ):
        yield send(f"autre-{n}", content, media_type, role="caisse", cpts_id=FORETS)
    yield send("autre-4", _WORKBOOK, ZIP, cpts_id=FORETS)


_WORKBOOK = b"PK\x03\x04 [Content_Types].xml xl/workbook.xml"
