"""The cursors of lists that are ordered by an instant, then an id."""

import base64
from datetime import datetime

from litestar.exceptions import ValidationException

from services.referrals.store.referrals import Cursor


def write_cursor(instant: datetime, identifier: str) -> str:
    """The cursor of an item of a list ordered by an instant, then an id."""
    return base64.urlsafe_b64encode(f"{instant.isoformat()} {identifier}".encode()).decode()


def read_cursor(text: str) -> Cursor:
    """What `write_cursor` wrote; (None, None) at the beginning. ValidationException if altered."""
    if not text:
        return None, None
    try:
        instant, _, identifier = base64.urlsafe_b64decode(text).decode().partition(" ")
        return datetime.fromisoformat(instant), identifier
    except ValueError as error:
        raise ValidationException("after: ce curseur ne vient pas d'ici") from error
