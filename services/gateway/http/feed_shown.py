"""How the feed of an agenda is shown: never its whole address, which is often a secret."""

from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from services.gateway.domain.feeds import LABELS, Problem
from services.gateway.domain.refusals import Refusal
from services.gateway.store.feeds import KnownFeed


class ShownFeed(msgspec.Struct, frozen=True, kw_only=True):
    """From which host an agenda is read, when it last went well, and what is wrong since.

    With `failed` the slots are those of `read_at`, and it is tried again at `due_at`.
    """

    host: str
    state: Literal["waiting", "read", "failed"]
    read_at: datetime | None
    tried_at: datetime | None
    due_at: datetime
    failures: int
    problem: str | None
    label: str | None
    answer_status: int | None


def shown_feed(known: KnownFeed) -> ShownFeed:
    """A feed as it is shown."""
    problem, label = known.problem, None
    if problem is not None:
        is_refusal = problem in tuple(Refusal)
        label = Refusal(problem).label if is_refusal else LABELS[Problem(problem)]
    return ShownFeed(
        host=urlsplit(known.url).hostname or "",
        state="failed" if problem else "read" if known.read_at else "waiting",
        read_at=known.read_at,
        tried_at=known.tried_at,
        due_at=known.due_at,
        failures=known.failures,
        problem=problem,
        label=label,
        answer_status=known.answer_status,
    )
