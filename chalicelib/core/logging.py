"""Structured log lines, one JSON object each, with the request or job they belong to."""

import logging
import traceback
from contextvars import ContextVar
from typing import Any

from aws_lambda_powertools import Logger

from chalicelib.core.correlation import known_id
from chalicelib.core.settings import settings

_context: ContextVar[dict[str, Any] | None] = ContextVar("log_context", default=None)


class _WithContext(logging.Filter):
    """Adds the fields of `log_context` and the correlation id, which is that of the request it all began with.

    Powertools' own keys are per process, ours are per thread.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in (_context.get() or {}).items():
            setattr(record, name, value)
        if found := known_id():
            record.request_id = found
        return True


log = Logger(service="pilot", level=settings().log_level, location="%(name)s", use_rfc3339=True, utc=True)
log.addFilter(_WithContext())


def log_context(**fields: Any) -> None:
    """From here on, lines of this thread carry these fields and no others (job_id, company_id, …)."""
    _context.set({name: value for name, value in fields.items() if value is not None})


def add_log_context(**fields: Any) -> None:
    """Add fields to those that this thread's lines carry."""
    log_context(**(_context.get() or {}), **fields)


def where(error: BaseException) -> str:
    """`module:line in function` of the innermost frame: enough to find a fault without a trace full of values."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "unknown"
    last = frames[-1]
    return f"{last.filename}:{last.lineno} in {last.name}"
