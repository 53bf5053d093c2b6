"""Logs: plain lines or JSON (`CPTS_LOG=json`), and a lid on a client that repeats itself."""

import json
import logging
import os
import sys
import time
from datetime import UTC, datetime

from opentelemetry import trace

LINES_PER_PERIOD = 5
PERIOD_SECONDS = 10.0


class Lid(logging.Filter):
    """Lets few lines of each aiokafka logger through: it says the same thing a hundred times a
    second while a broker is down.
    """

    def __init__(self) -> None:
        super().__init__()
        self._periods: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is among the first of its logger in this period."""
        if not record.name.startswith("aiokafka"):
            return True
        began, lines = self._periods.get(record.name, (0.0, 0))
        now = time.monotonic()
        if now - began > PERIOD_SECONDS:
            hidden = lines - LINES_PER_PERIOD
            if hidden > 0:
                record.msg = f"{record.getMessage()} ({hidden} lines like it were hidden)"
                record.args = ()
            began, lines = now, 0
        self._periods[record.name] = (began, lines + 1)
        return lines < LINES_PER_PERIOD


class JsonLines(logging.Formatter):
    """One JSON object a line, with the `fields` that a record was given and the trace, if any, in
    which it is said.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if (context := trace.get_current_span().get_span_context()).is_valid:
            line["trace_id"] = trace.format_trace_id(context.trace_id)
            line["span_id"] = trace.format_span_id(context.span_id)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up_logs(service: str) -> None:
    """Log to standard error, as the environment asks."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Lid())
    if os.environ.get("CPTS_LOG") == "json":
        handler.setFormatter(JsonLines())
    else:
        handler.setFormatter(
            logging.Formatter(f"%(asctime)s {service} %(levelname)s %(name)s: %(message)s")
        )
    logging.basicConfig(level=os.environ.get("CPTS_LOG_LEVEL", "INFO"), handlers=[handler])
    logging.getLogger("aiokafka").setLevel(logging.WARNING)
    logging.getLogger("yoyo").setLevel(logging.WARNING)
    # It tells whole addresses, and that of a calendar is a secret.
    logging.getLogger("httpx").setLevel(logging.WARNING)
