"""Where the services are, and where the links of the page lead."""

import os
from collections.abc import Mapping

import msgspec

from contracts.topics import TOPICS
from services.console.domain.freshness import Thresholds

ADDRESSES = {
    "membership": "MEMBERSHIP_URL",
    "referrals": "REFERRALS_URL",
    "indicators": "INDICATORS_URL",
    "payments": "PAYMENTS_URL",
    "gateway": "GATEWAY_URL",
}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The console's settings. `addresses` are those of each service's processes; `trace_page` and
    `runbook_page` are addresses with `{trace}` and `{page}` in them, empty for none.
    """

    addresses: Mapping[str, tuple[str, ...]]
    http_host: str = "127.0.0.1"
    http_port: int = 0
    trace_page: str = ""
    runbook_page: str = ""
    every_seconds: float = 5.0
    thresholds: Thresholds = Thresholds()


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings that the environment gives; KeyError names a missing one."""
    env = os.environ if environment is None else environment
    return Settings(
        addresses={
            topic.producer: tuple(
                one.strip().rstrip("/") for one in env[ADDRESSES[topic.producer]].split(",")
            )
            for topic in TOPICS
        },
        http_host=env.get("HTTP_HOST", "127.0.0.1"),
        http_port=int(env.get("HTTP_PORT", "0")),
        trace_page=env.get("CPTS_TRACE_PAGE", ""),
        runbook_page=env.get("CPTS_RUNBOOK_PAGE", ""),
    )
