"""The contents of evidence in an object store, each under its digest: a folder, or S3 by URL.

A content is put before the transaction that tells of it commits, and never changes: a rollback
leaves at most one that nobody names.
"""

import functools

import obstore
from obstore.store import ObjectStore, from_url


@functools.cache
def open_store(url: str) -> ObjectStore:
    """The store at a URL (`file:///folder`, `s3://bucket/prefix`); a folder is made if absent."""
    if url.startswith("file:"):
        return from_url(url, mkdir=True)
    return from_url(url)


async def put(url: str, sha256: str, content: bytes) -> None:
    """Keep a content; the same again changes nothing."""
    await obstore.put_async(open_store(url), _path(sha256), content)


async def content(url: str, sha256: str) -> bytes | None:
    """The content with a digest; None when the store has lost it."""
    try:
        found = await obstore.get_async(open_store(url), _path(sha256))
    except FileNotFoundError:
        return None
    return bytes(await found.bytes_async())


def _path(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}"
