"""Two companies: the owner, whose records are asked for, and a stranger who asks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from chalicelib.core.clock import now
from chalicelib.identity.create_company import NewCompany, Person, create_company
from chalicelib.identity.password_login import sign_in
from functions.identity.authorizer import bearer
from infra.local.demo_practice import Practice
from infra.local.invoking import Caller
from infra.local.simulators.fattureincloud.simulator import FattureInCloudSimulator
from tests.conftest import open_practice

OWNER, STRANGER = "com_owner", "com_stranger"
PASSWORD = "correct horse battery"
Stranger = Literal["nothing there", "no such reference", "taken", "only their own"]
"""What another company gets: 404; 422 for a body that names a record of the owner's; 409; or its own records."""
REFUSALS: dict[Stranger, int] = {"nothing there": 404, "no such reference": 422, "taken": 409}
Body = Callable[["World"], Any]


@dataclass(frozen=True)
class Holder(Caller):
    """Someone with a token of their own, let through by the real authorizer."""

    token: str = ""

    def context(self) -> dict[str, str]:
        event = {
            "type": "TOKEN",
            "authorizationToken": f"Bearer {self.token}",
            "methodArn": "arn:aws:execute-api:eu-central-1:1:api/api/GET/x",
        }
        given: dict[str, str] = bearer(event, None)["context"]
        return given | ({"abilities": self.abilities} if self.abilities != "*" else {})


@dataclass(frozen=True)
class World:
    """`ids`: of records of the owner's, by the names that recipes use; an area's `prepare` adds its own."""

    practice: Practice
    owner: Holder
    stranger: Holder
    fic: FattureInCloudSimulator
    ids: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """How to ask a route for something of the owner's: a path, query and body; `{names}` in the first two are ids.

    `echoes`: the owner's own request makes a vendor send webhooks, which come in while others ask.
    """

    path: str
    body: Body = lambda world: None
    stranger: Stranger = "nothing there"
    headers: dict[str, str] = field(default_factory=dict)
    echoes: bool = False
    query: dict[str, str] = field(default_factory=dict)


Recipes = dict[tuple[str, str], Recipe]


def recipe(path: str, body: Any = None, stranger: Stranger = "nothing there") -> Recipe:
    """A recipe whose body is the same in every world."""
    return Recipe(path, lambda world: body, stranger)


def open_companies() -> tuple[Practice, Holder, Holder]:
    """Two companies with their people; the owner, who comes first, has the demo practice."""
    holders = {}
    for company_id in (OWNER, STRANGER):
        name = company_id.removeprefix("com_")
        create_company(
            NewCompany(name.title(), id=company_id), Person(name.title(), f"{name}@example.com", PASSWORD), now
        )
        signed_in = sign_in(f"{name}@example.com", PASSWORD, "203.0.113.7", now)
        holders[company_id] = Holder(company_id=company_id, token=signed_in.issued.secret)
    return open_practice(OWNER, calcom=False), holders[OWNER], holders[STRANGER]


def monday(hour: int) -> datetime:
    """Next Monday at this hour in New York."""
    today = now().astimezone(ZoneInfo("America/New_York"))
    day = today + timedelta(days=7 - today.weekday())
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)
