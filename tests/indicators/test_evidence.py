"""Evidence over HTTP, on a real folder: what is taken, what is refused, who gets it back."""

import asyncio
import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import msgspec
import pytest

from services.indicators.domain.evidence import (
    CSV,
    JPEG,
    PDF,
    PNG,
    SIZE_MAX_BYTES,
    XLSX,
    ZIP,
    media_type_of,
)
from services.indicators.http.evidence import said_digest
from services.indicators.store import contents
from tests.indicators.ordering import Office, reason
from tests.indicators.sending import REPORT, digest, send
from tests.indicators.test_activities import GROUPE


def zipped(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in names:
            archive.writestr(name, "content")
    return made.getvalue()


async def fetch(office: Office, path: str, role: str, acting: str = "") -> httpx.Response:
    headers = {"Acting-Role": role, "Acting-Cpts": acting}
    return await office.client.get(path, headers=headers)


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (REPORT, PDF),
        (b"\x89PNG\r\n\x1a\n0", PNG),
        (b"\xff\xd8\xff\xe0", JPEG),
        (zipped("a.txt"), ZIP),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), XLSX),
        ("rpps;présent\r\n8;oui\r\n".encode(), CSV),
        ("\ufeffrpps,présent\n".encode(), CSV),
        ("rpps;présent\n".encode("latin-1"), None),
        (b"rpps;\x00\n", None),
        (b"no field", None),
        (b"no field\nrpps;8\n", None),
        (b"MZ\x90\x00", None),
        (b"<html>;</html>\x07", None),
        (b"", None),
    ],
)
def test_a_file_is_what_its_bytes_say(content: bytes, media_type: str | None) -> None:
    assert media_type_of(content) == media_type


def test_a_digest_is_read_from_the_header_or_the_query() -> None:
    right = hashlib.sha256(REPORT).hexdigest()
    assert said_digest(digest(REPORT), None) == right
    assert said_digest(f"sha-512=:{'A' * 88}:, {digest(REPORT)}", None) == right
    assert said_digest(None, right) == right
    assert [said_digest(header, None) for header in (None, "", "sha-256=abc")] == [None] * 3
    assert said_digest(digest(REPORT), right.upper()) is None


async def test_a_file_is_kept_under_its_digest_and_given_back(office: Office) -> None:
    cpts_id = await office.new_cpts()
    path = f"/cpts/{cpts_id}/evidence/cr-1"
    new = await send(office, path, REPORT, Content_Type="application/pdf")
    assert new.status_code == 201, new.text
    right = hashlib.sha256(REPORT).hexdigest()
    assert new.json() == {
        "cpts_id": cpts_id,
        "evidence_id": "cr-1",
        "sha256": right,
        "size_bytes": len(REPORT),
        "media_type": PDF,
    }
    folder = Path(unquote(urlsplit(office.run.settings.evidence_store_url).path))
    assert (folder / right[:2] / right).read_bytes() == REPORT
    again = await send(office, path, REPORT)
    assert (again.status_code, again.json()) == (200, new.json())
    other = await send(office, path, REPORT + b"!")
    assert reason(other) == (409, "already_exists")
    for role, acting in (("cpts", cpts_id), ("caisse", ""), ("ars", "")):
        given = await fetch(office, path, role, acting)
        assert (given.status_code, given.content) == (200, REPORT)
        assert given.headers["content-type"] == PDF
        assert given.headers["content-digest"] == digest(REPORT)
        assert given.headers["content-disposition"] == "attachment"
    assert reason(await fetch(office, path, "cpts", "another")) == (403, "not_the_acting_cpts")
    assert reason(await fetch(office, path, "regulation")) == (403, "role_not_allowed")
    assert (await fetch(office, f"{path}0", "ars")).status_code == 404
    (said,) = await office.said("EvidenceRecorded", cpts_id)
    assert said["sha256"] == right
    (folder / right[:2] / right).unlink()
    assert (await fetch(office, path, "ars")).status_code == 404
    assert (await send(office, path, REPORT)).status_code == 200
    assert (await fetch(office, path, "ars")).content == REPORT


@pytest.mark.parametrize(
    ("content", "headers", "expected"),
    [
        (REPORT, {"Content_Digest": ""}, (400, "digest_needed")),
        (REPORT, {"Content_Digest": digest(b"other")}, (422, "another_digest")),
        (REPORT, {"Content_Type": "image/png"}, (415, "another_type")),
        (b"MZ", {}, (415, "another_type")),
        (b"", {}, (415, "another_type")),
    ],
)
async def test_an_unsound_file_is_refused(
    office: Office, content: bytes, headers: dict[str, str], expected: Any
) -> None:
    cpts_id = await office.new_cpts()
    refused = await send(office, f"/cpts/{cpts_id}/evidence/e", content, **headers)
    assert reason(refused) == expected
    assert await office.said("EvidenceRecorded", cpts_id) == []


async def test_a_file_may_have_20_megabytes_and_not_a_byte_more(office: Office) -> None:
    cpts_id = await office.new_cpts()
    largest = REPORT.ljust(SIZE_MAX_BYTES, b" ")
    taken = await send(office, f"/cpts/{cpts_id}/evidence/large", largest)
    assert taken.status_code == 201, taken.text
    refused = await send(office, f"/cpts/{cpts_id}/evidence/larger", largest + b" ")
    assert refused.status_code == 413
    assert len(await office.said("EvidenceRecorded", cpts_id)) == 1


async def test_without_a_store_no_file_is_taken_and_the_same_order_may_be_given_later(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpts_id = await office.new_cpts()
    path, key = f"/cpts/{cpts_id}/evidence/e", {"Idempotency_Key": f"evidence-{cpts_id}"}
    settings = msgspec.structs.replace(office.run.settings, evidence_store_url="")
    with monkeypatch.context() as patch:
        patch.setattr(office.run, "settings", settings)
        refused = await send(office, path, REPORT, **key)
        assert reason(refused) == (503, "no_evidence_store")
    assert await office.said("EvidenceRecorded", cpts_id) == []
    assert (await send(office, path, REPORT, **key)).status_code == 201


async def test_who_sends_a_file_holds_nothing_while_the_store_takes_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpts_id = await office.new_cpts()
    begun, may_end = asyncio.Event(), asyncio.Event()
    keep = contents.put

    async def slow(url: str, sha256: str, content: bytes) -> None:
        begun.set()
        await may_end.wait()
        await keep(url, sha256, content)

    monkeypatch.setattr(contents, "put", slow)
    sending = asyncio.create_task(send(office, f"/cpts/{cpts_id}/evidence/e", REPORT))
    try:
        await begun.wait()
        async with asyncio.timeout(20):
            meanwhile = await office.order(f"/cpts/{cpts_id}/activities/a", GROUPE)
        assert meanwhile.status_code == 201, meanwhile.text
        assert not sending.done()
    finally:
        may_end.set()
    assert (await sending).status_code == 201


async def test_nothing_is_kept_of_what_nobody_may_send(office: Office) -> None:
    cpts_id = await office.new_cpts()
    folder = Path(unquote(urlsplit(office.run.settings.evidence_store_url).path))
    content = REPORT + b" of nobody"
    sha256 = hashlib.sha256(content).hexdigest()
    absent = await send(office, "/cpts/absent/evidence/e", content, "caisse")
    assert reason(absent) == (404, "unknown_cpts")
    another = await send(office, f"/cpts/{cpts_id}/evidence/e", content, Acting_Cpts="other")
    assert reason(another) == (403, "not_the_acting_cpts")
    assert not (folder / sha256[:2] / sha256).exists()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """What a store that speaks as much of S3 as is asked of it holds, by path."""
    held: dict[str, bytes] = {}

    class Store(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            assert "Credential=key-id/" in self.headers["Authorization"]
            held[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
            self.reply(200, b"")

        def do_GET(self) -> None:
            self.reply(200 if self.path in held else 404, held.get(self.path, b""))

        def reply(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", '"etag"')
            self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    for name, value in (
        ("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}"),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_ACCESS_KEY_ID", "key-id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "eu-west-3"),
    ):
        monkeypatch.setenv(name, value)
    contents.open_store.cache_clear()
    try:
        yield held
    finally:
        contents.open_store.cache_clear()
        server.shutdown()
        thread.join()
        server.server_close()


async def test_a_content_is_kept_in_s3_by_url(bucket: dict[str, bytes]) -> None:
    url, sha256 = "s3://bucket/prefix", hashlib.sha256(REPORT).hexdigest()
    assert await contents.content(url, sha256) is None
    await contents.put(url, sha256, REPORT)
    assert bucket == {f"/bucket/prefix/{sha256[:2]}/{sha256}": REPORT}
    assert await contents.content(url, sha256) == REPORT
    await contents.put(url, sha256, REPORT)
    bucket.clear()
    assert await contents.content(url, sha256) is None
