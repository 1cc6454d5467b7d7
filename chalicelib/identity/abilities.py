"""What a token may do: abilities by name, and those that each role has."""

from collections.abc import Iterable
from typing import Literal

EVERYTHING = "*"
Role = Literal["admin", "staff", "practitioner", "client"]

ABILITIES = frozenset(
    f"{resource}:{action}"
    for resource in (
        "account",
        "accounting",
        "analytics",
        "appointments",
        "calls",
        "customers",
        "files",
        "portal",
        "practice",
        "reviews",
        "subscriptions",
        "text_sessions",
        "users",
        "webhooks",
    )
    for action in ("read", "write")
) | {"appointments:override", "ops:read"}
"""Every ability a route may ask for (a test walks the routes).

`account` is one's own: me, logout, tokens; `portal` what a client has at the practice. `text_sessions` lets in the two
whose appointment it is, and admins to read. `appointments:override`: booking against named rules, and waiving fees.
`ops:read`: how workers, queues and schedules are, which are all companies' together.
"""

_OWN = frozenset({"account:read", "account:write"})
OF_ROLE: dict[Role, frozenset[str]] = {
    "admin": frozenset({EVERYTHING}),
    "staff": _OWN
    | {
        "accounting:read",
        "analytics:read",
        "appointments:override",
        "appointments:read",
        "appointments:write",
        "calls:read",
        "calls:write",
        "customers:read",
        "customers:write",
        "files:read",
        "files:write",
        "practice:read",
        "reviews:read",
        "reviews:write",
        "subscriptions:read",
        "subscriptions:write",
        "users:read",
    },
    "practitioner": _OWN
    | {
        "appointments:read",
        "appointments:write",
        "calls:read",
        "customers:read",
        "files:read",
        "files:write",
        "practice:read",
        "reviews:read",
        "text_sessions:read",
        "text_sessions:write",
        "users:read",
    },
    # A client signs in, and sees of the practice nothing but what is the client's own.
    "client": _OWN | {"portal:read", "text_sessions:read", "text_sessions:write"},
}


def covers(held: Iterable[str], given: Iterable[str]) -> bool:
    """Whether who holds `held` may hand out `given`: nobody gives more than they have."""
    mine = frozenset(held)
    return EVERYTHING in mine or frozenset(given) <= mine


def unknown(abilities: Iterable[str]) -> list[str]:
    """Those that no route asks for, in order: misspelt, most likely."""
    return [ability for ability in abilities if ability != EVERYTHING and ability not in ABILITIES]
