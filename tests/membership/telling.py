"""What the tests of membership's refusals share: a refusal said in full, and who is asked."""

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec

from services.membership.domain.refusals import Reason, Refusal
from tests.membership.ordering import A_CPTS

DAY = date(2026, 1, 1)
GONE = msgspec.structs.replace(A_CPTS, merged_on=date(2026, 7, 1), into_cpts_id="b")
"""A CPTS that is a part of another from July on."""

Told = tuple[Callable[[], object], Refusal]


def told(order: Callable[[], object], reason: str, detail: str, **extension: Any) -> Told:
    """An order and the whole of what it is refused with."""
    return order, Refusal(reason=Reason(reason), detail=detail, extension=extension)


def ended(**names: str) -> Refusal:
    """What `GONE` is refused with; `names` is the entry that it is about."""
    return Refusal(
        reason=Reason.CPTS_ENDED,
        detail="CPTS a fait partie d'une autre CPTS depuis le 2026-07-01.",
        extension={"into_cpts_id": "b"} | names,
    )
