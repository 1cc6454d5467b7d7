"""The endpoints of identity are tested with what its use cases are tested with."""

from tests.identity.conftest import admin, clock, mailbox

__all__ = ["admin", "clock", "mailbox"]
