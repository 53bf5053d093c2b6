"""What referrals says of a Hub message: its order `POST /sas/messages` has all the rules."""

import http
from typing import Any

import httpx
import msgspec

from services.gateway.domain.hub_envelopes import Refused, Taken, Verdict
from services.messaging.orders import ROLE_HEADER, Role
from services.messaging.problems import MEDIA_TYPE

PATH = "/sas/messages"
HEADERS = {ROLE_HEADER: Role.SYSTEM.value, "Content-Type": "application/json"}
INVALID = (300, "INVALID_MESSAGE")
OF_THE_MESSAGE = {400, 409, 413, 422}


class NotNow(Exception):  # noqa: N818
    """Referrals cannot answer now: no message would fare better."""


class Stumbled(Exception):  # noqa: N818
    """Referrals fails on this message (500): others may fare better."""


async def judge(client: httpx.AsyncClient, body: bytes) -> Verdict:
    """What becomes of a message, once committed. Raises `NotNow` or `Stumbled` while that is open.

    A refusal counts only as referrals' own problem: whatever else answers at its address does not
    decide that a message is wrong.
    """
    try:
        answer = await client.post(PATH, content=body, headers=HEADERS)
    except httpx.TransportError as error:
        raise NotNow(f"referrals does not answer: {type(error).__name__}") from error
    if answer.status_code == http.HTTPStatus.OK:
        return Taken()
    if answer.status_code == http.HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Stumbled("referrals answers 500")
    is_problem = answer.headers.get("content-type", "").startswith(MEDIA_TYPE)
    if not is_problem or answer.status_code not in OF_THE_MESSAGE:
        raise NotNow(f"referrals answers {answer.status_code}")
    return _refused(msgspec.json.decode(answer.content))


def _refused(problem: dict[str, Any]) -> Refused:
    """A refusal with its Hub code; one without (what no column takes) is an invalid message."""
    code, status = problem.get("hub_code"), problem.get("hub_status")
    if not isinstance(code, int) or not isinstance(status, str):
        code, status = INVALID
    cause = "; ".join(problem.get("reasons") or ()) or problem.get("detail") or status
    return Refused(code=code, status=status, cause=cause)
