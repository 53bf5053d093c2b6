"""What the bridge is told by the environment."""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from services.gateway.outside.tls import client_context

CONNECTED = "hub_connected"
"""The counter that is there where a process has a bridge, and 1 while it has a session."""


class HubSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the Hub is and who we are there. With a certificate, we are known by it alone."""

    url: str
    client_id: str
    referrals_url: str
    exchange: str = "hubsante"
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    @property
    def address(self) -> str:
        """The address; with a certificate, the broker takes our name from it (SASL EXTERNAL)."""
        if self.certificate_file is None:
            return self.url
        return f"{self.url}{'&' if urlsplit(self.url).query else '?'}auth=EXTERNAL"

    def tls(self) -> ssl.SSLContext | None:
        """TLS 1.2 or later with our certificate, read anew at each call; None over `amqp://`."""
        if urlsplit(self.url).scheme != "amqps":
            return None
        return client_context(self.ca_file, self.certificate_file, self.key_file)

    @property
    def queues(self) -> tuple[str, str, str]:
        """Our queues at the Hub: messages, acknowledgements, errors."""
        return f"{self.client_id}.message", f"{self.client_id}.ack", f"{self.client_id}.info"


def read_hub_settings(environment: Mapping[str, str] | None = None) -> HubSettings | None:
    """The settings that the environment gives; None without `HUB_URL`.

    Raises ValueError when one is missing, or when production would speak in the clear.
    """
    env = os.environ if environment is None else environment
    if not (url := env.get("HUB_URL")):
        return None
    if missing := [one for one in ("HUB_CLIENT_ID", "REFERRALS_URL") if not env.get(one)]:
        raise ValueError(f"HUB_URL is set, {' and '.join(missing)} must be too")
    if urlsplit(url).scheme not in {"amqp", "amqps"}:
        raise ValueError("HUB_URL begins with amqps:// (amqp:// in tests)")
    if env.get("CPTS_ENVIRONMENT") == "production" and urlsplit(url).scheme != "amqps":
        raise ValueError("in production HUB_URL begins with amqps://")
    if bool(env.get("HUB_CERTIFICATE_FILE")) != bool(env.get("HUB_KEY_FILE")):
        raise ValueError("HUB_CERTIFICATE_FILE and HUB_KEY_FILE are set together")
    return HubSettings(
        url=url,
        client_id=env["HUB_CLIENT_ID"],
        referrals_url=env["REFERRALS_URL"],
        exchange=env.get("HUB_EXCHANGE", "hubsante"),
        ca_file=_path(env.get("HUB_CA_FILE")),
        certificate_file=_path(env.get("HUB_CERTIFICATE_FILE")),
        key_file=_path(env.get("HUB_KEY_FILE")),
    )


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
