"""The one id under which a request and all that follows from it is found: in logs, audit, jobs, and at vendors.

A request's own id, which its answer names, is that of the events and jobs it leaves, of what those leave in turn, and
of every call to a vendor on the way. What nobody asked for (a schedule, a command of `pilot`) begins one of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from chalicelib.core.ids import new_id

HEADER = "X-Correlation-Id"
"""How vendors are told it, so that their logs and ours can be laid side by side."""
_current: ContextVar[str] = ContextVar("correlation_id", default="")


@contextmanager
def correlated(correlation_id: str = "") -> Iterator[str]:
    """Within the block all belongs to that id, or to a new one; gives it."""
    token = _current.set(correlation_id or new_id("cor"))
    try:
        yield _current.get()
    finally:
        _current.reset(token)


def known_id() -> str:
    """The id that what happens now belongs to; "" outside any block."""
    return _current.get()


def current_id() -> str:
    """The same; outside any block a new one."""
    return known_id() or new_id("cor")
