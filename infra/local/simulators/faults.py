"""Faults on order: which request to spoil, and how."""

from fnmatch import fnmatchcase
from typing import Any

import msgspec

from infra.local.simulators.exchange import Request


class FaultRule(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Spoils the next `times` requests (None: all) whose path and method match; `path` may use `*`.

    `apply`: act as usual first, then answer wrongly (what makes a client's outcome unknown). Without `status`, `body`
    and `drop` the request is always acted upon and answered, only `delay_seconds` late.
    `twice`: act twice, as when a proxy repeats a request, and give the second answer.
    `body`: text sent as it is, for broken JSON; status 200 unless given. `drop`: close the connection, no answer.
    """

    path: str = "*"
    method: str | None = None
    status: int | None = None
    message: str = "Fault injected by the simulator."
    body: str | None = None
    headers: dict[str, str] = {}
    times: int | None = 1
    apply: bool = False
    twice: bool = False
    delay_seconds: float = 0.0
    drop: bool = False

    @property
    def only_slow(self) -> bool:
        """Whether the answer is the true one."""
        return self.status is None and self.body is None and not self.drop

    def matches(self, request: Request) -> bool:
        """Whether it is due for this request."""
        if self.times is not None and self.times <= 0:
            return False
        if self.method is not None and self.method.upper() != request.method:
            return False
        return fnmatchcase(request.path, self.path)


class Faults:
    """The rules in force, oldest first."""

    def __init__(self) -> None:
        self.rules: list[FaultRule] = []

    def add(self, given: Any) -> FaultRule:
        """A rule out of decoded JSON; raises ValueError when it is not one."""
        rule = msgspec.convert(given, FaultRule)
        self.rules.append(rule)
        return rule

    def take(self, request: Request) -> FaultRule | None:
        """The first rule due for this request, counted down."""
        for rule in self.rules:
            if rule.matches(request):
                if rule.times is not None:
                    rule.times -= 1
                return rule
        return None

    def clear(self) -> None:
        """Forgets all rules."""
        self.rules.clear()
