"""One calendar is fetched from its address: bounded in time and size, and from nowhere private.

`httpx-secure` connects to the very address that it has judged, so that no name leads elsewhere
between both; each address that a name has is judged before, so that none inside is even knocked at.
"""

import asyncio
import os
import ssl
from collections.abc import Mapping
from ipaddress import ip_address, ip_network

import httpx
import msgspec
from httpx_secure import SSRFProtectionError, httpx_ssrf_protection

from services.gateway.domain.feeds import (
    IpAddress,
    IpNetwork,
    Problem,
    is_address_allowed,
    is_feed_allowed,
)
from services.gateway.domain.files import FILE_BYTES_MAX
from services.gateway.outside.tls import client_context

VARIABLE = "CPTS_FEED_NETWORKS"
FETCH_SECONDS_MAX = 20.0
REDIRECTS_MAX = 3
VALIDATOR_LENGTH_MAX = 200


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """A calendar as it came, with what tells next time whether it has changed."""

    content: bytes
    etag: str | None
    last_modified: str | None


class NotFetched(Exception):  # noqa: N818 - what came instead
    """The calendar did not come."""

    def __init__(self, problem: Problem, status: int | None = None) -> None:
        super().__init__(problem)
        self.problem, self.status = problem, status


class Fetcher(msgspec.Struct, frozen=True, kw_only=True):
    """How feeds are fetched: in which networks besides the public one, how long, how much."""

    networks: tuple[IpNetwork, ...] = ()
    context: ssl.SSLContext
    seconds_max: float = FETCH_SECONDS_MAX
    bytes_max: int = FILE_BYTES_MAX


def read_fetcher(environment: Mapping[str, str] | None = None) -> Fetcher:
    """How the environment says that feeds are fetched. ValueError for what is no network."""
    env = os.environ if environment is None else environment
    named = env.get(VARIABLE, "").split(",")
    try:
        networks = tuple(ip_network(one.strip()) for one in named if one.strip())
    except ValueError as error:
        raise ValueError(f"{VARIABLE}: {error}") from error
    return Fetcher(networks=networks, context=client_context(None, None, None))


async def fetch(
    fetcher: Fetcher, address: str, etag: str | None = None, last_modified: str | None = None
) -> Fetched | None:
    """The calendar at an address; None when it has not changed. Raises `NotFetched`."""
    headers = {"Accept": "text/calendar, text/plain;q=0.5, */*;q=0.1"}
    headers |= {"Accept-Encoding": "identity"}
    headers |= {"If-None-Match": etag} if etag else {}
    headers |= {"If-Modified-Since": last_modified} if last_modified else {}
    try:
        async with (
            asyncio.timeout(fetcher.seconds_max),
            _client(fetcher) as client,
            client.stream("GET", address, headers=headers) as answer,
        ):
            return await _read(fetcher, answer)
    except (SSRFProtectionError, httpx.InvalidURL, httpx.UnsupportedProtocol):
        raise NotFetched(Problem.NOT_ALLOWED) from None
    except httpx.TooManyRedirects:
        raise NotFetched(Problem.TOO_MANY_REDIRECTS) from None
    except (TimeoutError, httpx.TimeoutException):
        raise NotFetched(Problem.TIMEOUT) from None
    except httpx.ConnectError:
        raise NotFetched(Problem.UNREACHABLE) from None
    except httpx.HTTPError:
        raise NotFetched(Problem.CUT) from None


def _client(fetcher: Fetcher) -> httpx.AsyncClient:
    """A client for one feed: no name, cookie or connection of another is known to it."""

    async def judge(request: httpx.Request) -> None:
        """Before each request, those that a redirection makes included."""
        if not is_feed_allowed(str(request.url), fetcher.networks):
            raise NotFetched(Problem.NOT_ALLOWED)
        await _judge_name(fetcher, request.url)

    def judge_address(_host: str, address: IpAddress, _port: int) -> bool:
        return is_address_allowed(address, fetcher.networks)

    client = httpx.AsyncClient(
        verify=fetcher.context,
        trust_env=False,
        timeout=fetcher.seconds_max,
        follow_redirects=True,
        max_redirects=REDIRECTS_MAX,
        event_hooks={"request": [judge]},
        headers={"User-Agent": "sas-cpts"},
    )
    return httpx_ssrf_protection(
        client,
        check_globally_reachable=not fetcher.networks,
        custom_validator=judge_address,
    )


async def _judge_name(fetcher: Fetcher, url: httpx.URL) -> None:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(url.host, url.port or 443, type=1)
    except (OSError, UnicodeError):
        raise NotFetched(Problem.UNREACHABLE) from None
    for *_, place in found:
        if not is_address_allowed(ip_address(str(place[0])), fetcher.networks):
            raise NotFetched(Problem.NOT_ALLOWED)


async def _read(fetcher: Fetcher, answer: httpx.Response) -> Fetched | None:
    if answer.status_code == httpx.codes.NOT_MODIFIED:
        return None
    if answer.status_code != httpx.codes.OK:
        raise NotFetched(Problem.ANSWER, answer.status_code)
    content = bytearray()
    async for part in answer.aiter_bytes():
        content += part
        if len(content) > fetcher.bytes_max:
            raise NotFetched(Problem.TOO_LARGE)
    return Fetched(
        content=bytes(content),
        etag=_validator(answer, "etag"),
        last_modified=_validator(answer, "last-modified"),
    )


def _validator(answer: httpx.Response, name: str) -> str | None:
    said = answer.headers.get(name)
    return said if said and len(said) <= VALIDATOR_LENGTH_MAX and said.isascii() else None
