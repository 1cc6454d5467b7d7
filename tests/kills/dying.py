"""Runs work in a process that dies before or after its n-th outside call (AWS or a vendor)."""

import gc
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from mmap import mmap
from typing import Literal

from chalicelib.core import aws
from chalicelib.vendors import http

DIED = 9


@dataclass
class Death:
    """When to die: before or after the n-th call, counted from 1. `calls` names those made so far in one process."""

    when: Literal["before", "after"]
    number: int
    calls: list[str] = field(default_factory=list)
    # In memory that the child shares with who waits for it.
    _made: mmap = field(default_factory=lambda: mmap(-1, 1), repr=False)

    @property
    def calls_made(self) -> int:
        """How many calls a child has made; of several children, the most that one has."""
        return self._made[0]

    def aws(self, when: str, name: str) -> None:
        """Hook on botocore."""
        self._note(when, name)

    def vendor(self, when: str) -> Callable[..., None]:
        """Hook on the vendors' HTTP client."""
        return lambda code, method, path: self._note(when, f"{code} {method} {path}")

    def _note(self, when: str, name: str) -> None:
        if when == "before":
            self.calls.append(name)
            self._made[0] = max(self.calls_made, len(self.calls))
        if when == self.when and len(self.calls) == self.number:
            os._exit(DIED)


def run_dying(work: Callable[[], object], death: Death) -> bool:
    """True when the child died by `death`, False when it finished its work without ever making that many calls."""
    child = os.fork()
    if child == 0:
        status = 1
        gc.freeze()  # what the worker has gathered is not looked through for garbage by each of its children
        try:
            for client in aws._clients.values():
                client.close()  # its connections, which are the parent's; it opens others
            aws.call_hooks.append(death.aws)
            http.before_request.append(death.vendor("before"))
            http.after_request.append(death.vendor("after"))
            work()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, DIED), f"the child failed by itself with {code}"
    return code == DIED
