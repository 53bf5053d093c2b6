"""The query of a door, as the caller wrote it.

The platform writes `+` in offsets without encoding it, so that it is no space here; names and
values are otherwise percent-decoded, in the order in which they come.
"""

from typing import Any
from urllib.parse import unquote

from litestar import Request

from services.gateway.http.outcomes import Told

QUERY_BYTES_MAX = 8 * 1024


def query_of(request: Request[Any, Any, Any]) -> str:
    """The query, undecoded; raises `Told` when it is too long or no ASCII."""
    raw: bytes = request.scope["query_string"]
    if len(raw) > QUERY_BYTES_MAX:
        text = f"La requête dépasse {QUERY_BYTES_MAX} octets."
        raise Told(413, "query_too_long", text)
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError:
        text = "La requête contient des caractères qui ne sont pas encodés."
        raise Told(400, "query_not_ascii", text) from None


def parameters_of(request: Request[Any, Any, Any]) -> list[tuple[str, str]]:
    """Names and values, decoded, in their order. Raises `Told` when one is no UTF-8."""
    found = []
    for part in query_of(request).split("&"):
        if not part:
            continue
        name, _, value = part.partition("=")
        try:
            found.append((unquote(name, errors="strict"), unquote(value, errors="strict")))
        except UnicodeDecodeError:
            text = "La requête n'est pas encodée en UTF-8."
            raise Told(400, "query_not_utf8", text) from None
    return found
