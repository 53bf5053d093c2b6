"""The commands that ask something of a running service: dead-letters, replay, ingest."""

import json
from argparse import Namespace
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from deploy.local.lifecycle import find_running
from deploy.local.paging import all_items
from deploy.local.services import SERVICES

TIMEOUT_SECONDS = 30
# These orders are the system's own: no person's.
ROLE = {"Acting-Role": "system"}


class NoAnswer(Exception):  # noqa: N818  (a sentence about the world)
    """<service> does not answer: `just status` tells why, `just up` starts it."""

    def __init__(self, service: str) -> None:
        super().__init__(f"{service} does not answer: `just status` tells why, `just up` starts it")


def _ask(options: Namespace, service: str, method: str, path: str, **more: Any) -> httpx.Response:
    """One request to a service of the instance. Raises `NotUp` or `NoAnswer`."""
    url = find_running(options.instance).http_urls[service] + path
    try:
        return httpx.request(
            method, url, timeout=TIMEOUT_SECONDS, trust_env=False, headers=ROLE, **more
        )
    except httpx.TransportError as error:
        raise NoAnswer(service) from error


def _body(answer: httpx.Response) -> Any:
    """The JSON of an answer, or its text when it is not JSON."""
    try:
        return answer.json()
    except json.JSONDecodeError:
        return answer.text


def _why(answer: httpx.Response) -> str:
    """The code and the reasons of a refusal: a problem (RFC 9457), with the Hub's code if any."""
    body = _body(answer)
    if not isinstance(body, dict):
        return f"{answer.status_code} {body}".strip()
    code = body.get("hub_code") or body.get("reason") or answer.status_code
    told = [body.get("detail") or body.get("title") or "", *map(str, body.get("reasons") or ())]
    return f"{code} {'; '.join(told)}".strip()


def dead_letters(options: Namespace) -> int:
    """Print the dead letters of one service, or of all; answers 1 when one does not answer."""
    all_told = True
    for service in (options.service,) if options.service else SERVICES:
        try:
            letters = list(all_items(partial(_page_of_letters, options, service)))
        except NoAnswer as silence:
            print(silence)
            all_told = False
            continue
        except httpx.HTTPStatusError as error:
            print(f"{service}: {_why(error.response)}")
            all_told = False
            continue
        print(f"{service}: {len(letters)}")
        for letter in letters:
            print(f"  {json.dumps(letter, ensure_ascii=False)}")
    return 0 if all_told else 1


def _page_of_letters(options: Namespace, service: str, page: dict[str, Any]) -> Any:
    answer = _ask(options, service, "GET", "/dead-letters", params=page)
    return answer.raise_for_status().json()


def replay(options: Namespace) -> int:
    """Give a dead letter to its service again; answers 1 when it is refused."""
    answer = _ask(options, options.service, "POST", f"/dead-letters/{options.id}/replay")
    if answer.is_success:
        print(f"{options.service}: dead letter {options.id} replayed")
        return 0
    print(f"{options.service}: dead letter {options.id} not replayed: {_why(answer)}")
    return 1


def ingest(options: Namespace) -> int:
    """Send files of the SAS platform to referrals, one line each; 0 only if all are taken."""
    all_taken = True
    for name in options.files:
        try:
            content = Path(name).read_bytes()
        except OSError as error:
            print(f"{name}: not read: {error.strerror}")
            all_taken = False
            continue
        answer = _ask(
            options,
            "referrals",
            "POST",
            "/sas/messages",
            content=content,
        )
        all_taken = all_taken and answer.is_success
        print(f"{name}: {'accepted' if answer.is_success else 'refused: ' + _why(answer)}")
    return 0 if all_taken else 1
