"""The doors of identity are tested with what its verbs are tested with."""

from tests.identity.conftest import admin, clock, mailbox

__all__ = ["admin", "clock", "mailbox"]
