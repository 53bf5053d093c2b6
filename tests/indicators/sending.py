"""How the tests of indicators send a file of evidence."""

import base64
import hashlib

import httpx

from tests.indicators.ordering import Office

REPORT = b"%PDF-1.7 compte rendu"


def digest(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


async def send(
    office: Office, path: str, content: bytes, role: str = "cpts", **headers: str
) -> httpx.Response:
    """A file as its CPTS sends it; header names are given with underscores."""
    given = {"Acting-Role": role, "Acting-Cpts": path.split("/")[2]}
    given |= {"Content-Digest": digest(content)}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    return await office.client.put(path, content=content, headers=given)
