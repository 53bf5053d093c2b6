"""Agendas are held against the national directory, which membership keeps, beside the chain.

No order waits for it, and none is refused: what it says otherwise is shown, and asked again.
"""

import asyncio
import logging
import os
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx
import msgspec

from services.gateway.store import checks
from services.gateway.store.checks import DirectoryWarning, ToCheck
from services.messaging.database import is_not_now
from services.messaging.running import Running
from services.messaging.waiting import Backoff

log = logging.getLogger(__name__)

VARIABLE = "MEMBERSHIP_URL"
AT_ONCE = 50
ANSWER_SECONDS_MAX = 10
LOOK_EVERY_SECONDS = 1
AGAIN_SECONDS, WITHOUT_EXTRACT_SECONDS = 6 * 3600, 600


class _Checked(msgspec.Struct, frozen=True):
    is_known_here: bool
    warnings: tuple[DirectoryWarning, ...]


def read_membership_url(environment: Mapping[str, str] | None = None) -> str | None:
    """Where membership is; None when nobody says it. ValueError for what is no address."""
    url = (os.environ if environment is None else environment).get(VARIABLE)
    if url and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname):
        raise ValueError(f"{VARIABLE} is an address, http://host:port")
    return url or None


async def check_agendas(membership_url: str | None, run: Running) -> None:
    """Ask about the agendas that are due, for ever; nothing without an address."""
    if membership_url is None:
        return
    backoff = Backoff(run.settings.limits.wait_seconds_max)
    async with httpx.AsyncClient(
        base_url=membership_url, timeout=ANSWER_SECONDS_MAX, trust_env=False
    ) as client:
        while True:
            try:
                due = await checks.due(run.pool, AT_ONCE) if run.desk.is_open else []
                for one in due:
                    await _check(client, run, one)
                backoff.succeeded()
                if not due:
                    await asyncio.sleep(LOOK_EVERY_SECONDS)
            except Exception as error:
                if not (is_not_now(error) or isinstance(error, httpx.HTTPError)):
                    raise
                log.warning("agendas wait to be held against the directory: %r", error)
                await backoff.wait()


async def _check(client: httpx.AsyncClient, run: Running, one: ToCheck) -> None:
    query = {"rpps": one.practitioner_rpps, "specialties": ",".join(one.specialties)}
    query |= {"place": one.structure_number} if one.structure_number else {}
    answer = (await client.get("/directory/check", params=query)).raise_for_status()
    told = msgspec.json.decode(answer.content, type=_Checked)
    again = AGAIN_SECONDS if told.is_known_here else WITHOUT_EXTRACT_SECONDS
    await checks.keep(run.pool, one, told.warnings, again)
