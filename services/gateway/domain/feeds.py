"""Calendars that are read from an address: which addresses may be, and what goes wrong there.

An address is typed by whoever keeps the agenda, and called from inside: it leads to the public
Internet over HTTPS, or to networks that the operator names.
"""

from collections.abc import Iterable
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias
from urllib.parse import urlsplit

IpAddress: TypeAlias = IPv4Address | IPv6Address
IpNetwork: TypeAlias = IPv4Network | IPv6Network

EVERY_SECONDS: Final = 900
WAIT_SECONDS_MAX: Final = 6 * 3600
WHOLE_EVERY_SECONDS: Final = 24 * 3600
"""An unchanged calendar is read again after that: its recurrences reach further by then."""
_NAT64: Final = IPv6Network("64:ff9b::/96")


class Problem(StrEnum):
    """Why a calendar could not be read, beside the refusals of its slots."""

    NOT_ALLOWED = "address_not_allowed"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    CUT = "cut"
    ANSWER = "answered_an_error"
    TOO_LARGE = "file_too_large"
    TOO_MANY_REDIRECTS = "too_many_redirects"


LABELS: Final = {
    Problem.NOT_ALLOWED: "Cette adresse n'est pas en HTTPS, ou mène à un réseau privé",
    Problem.UNREACHABLE: "Le serveur de l'agenda n'est pas joignable",
    Problem.TIMEOUT: "Le serveur de l'agenda est trop lent",
    Problem.CUT: "La réponse du serveur de l'agenda est incomplète",
    Problem.ANSWER: "Le serveur de l'agenda a répondu par une erreur",
    Problem.TOO_LARGE: "L'agenda est trop gros",
    Problem.TOO_MANY_REDIRECTS: "Le serveur de l'agenda renvoie trop de fois ailleurs",
}


def is_address_allowed(address: IpAddress, networks: Iterable[IpNetwork]) -> bool:
    """Whether a feed may be read from this address: a public one, or one of these networks.

    An IPv4 address inside an IPv6 one is what counts.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif address in _NAT64:
            address = IPv4Address(address.packed[-4:])
    is_named = any(address in network for network in networks)
    return is_named or (address.is_global and not address.is_multicast)


def is_feed_allowed(url: str, networks: Iterable[IpNetwork]) -> bool:
    """Whether an address has a form under which a feed is read; where a name leads, the connection
    tells. Without TLS it is a numeric address of these networks.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.username or parts.password or not host:
        return False
    try:
        address = ip_address(host)
    except ValueError:
        return parts.scheme == "https"
    is_secure = parts.scheme == "https"
    is_named = any(address in network for network in networks)
    return is_address_allowed(address, networks) and (is_secure or is_named)


def wait_seconds(failures: int) -> int:
    """After how long a feed is read again, having failed so many times in a row."""
    return min(EVERY_SECONDS << min(failures, 10), WAIT_SECONDS_MAX)
