"""Free TCP ports of the loopback, below the range from which the system gives out its own."""

import random
import socket
from collections.abc import Iterable

LOWEST, HIGHEST = 15_000, 29_999
_random = random.SystemRandom()


def is_free(port: int) -> bool:
    """Whether nothing listens on this port of 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def accepts_connections(port: int) -> bool:
    """Whether something listens on this port of 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port(taken: Iterable[int] = ()) -> int:
    """A free port that is not one of `taken`. Raises `OSError` when none is found."""
    avoided = set(taken)
    for _ in range(1000):
        port = _random.randint(LOWEST, HIGHEST)
        if port not in avoided and is_free(port):
            return port
    raise OSError(f"no free port between {LOWEST} and {HIGHEST}")
