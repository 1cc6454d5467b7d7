"""Cal.com's API v2 beyond bookings: who and what there is to book, and which webhooks are subscribed.

From `docs/api-reference/v2/openapi.json` @e5d99e4, where `users` and `hosts` of event types are said to be texts; they
come as objects, and whatever else they should be is left out. An account without teams has no `/v2/teams` to show.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from chalicelib.core.errors import VendorRefused
from chalicelib.vendors.http import VendorSession

PAGE_SIZE = 250
MOST_PAGES = 100
_EVENT_TYPES = {"cal-api-version": "2024-06-14"}


class CalComUser(msgspec.Struct, frozen=True, kw_only=True):
    """Someone who can host; the list of an event type's hosts has no e-mail address."""

    id: int
    name: str = ""
    username: str = ""
    email: str | None = None


class CalComEventType(msgspec.Struct, frozen=True, kw_only=True):
    """What can be booked; `length_min` in minutes, `hosts` by user id."""

    id: int
    title: str
    slug: str
    length_min: int
    hosts: tuple[int, ...] = ()


class CalComWebhook(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A subscription. Its id is a number by the documentation, and a text at times."""

    id: Any
    subscriber_url: str
    triggers: list[str] = []
    active: bool = False
    secret: str | None = None
    payload_template: str | None = None


class _EventType(msgspec.Struct, frozen=True, rename="camel"):
    id: int
    title: str
    slug: str
    length_in_minutes: int
    owner_id: Any = None
    users: list[Any] = []
    hosts: list[Any] = []


class _EventTypes(msgspec.Struct, frozen=True):
    data: list[_EventType]


class _User(msgspec.Struct, frozen=True):
    id: int
    email: str | None = None
    name: str | None = None
    username: str | None = None


class _Me(msgspec.Struct, frozen=True):
    data: _User


class _Team(msgspec.Struct, frozen=True):
    id: int


class _Teams(msgspec.Struct, frozen=True):
    data: list[_Team]


class _Person(msgspec.Struct, frozen=True):
    email: str | None = None
    name: str | None = None
    username: str | None = None


class _Membership(msgspec.Struct, frozen=True, rename="camel"):
    user_id: int
    user: _Person


class _Memberships(msgspec.Struct, frozen=True):
    data: list[_Membership]


class _Webhooks(msgspec.Struct, frozen=True):
    data: list[CalComWebhook]


class _OneWebhook(msgspec.Struct, frozen=True):
    data: CalComWebhook


class Account:
    """The account whose key the session has. Every method raises what `VendorSession.call` lists."""

    def __init__(self, session: VendorSession) -> None:
        self._session = session
        self._teams: list[int] | None = None

    def users(self) -> list[CalComUser]:
        """The account itself and the members of its teams, each once, by id."""
        me = self._session.call("GET", "/v2/me", _Me).data
        found = {me.id: _user(me.id, me.name, me.username, me.email)}
        for team in self._team_ids():
            for page in range(MOST_PAGES):
                query = {"take": PAGE_SIZE, "skip": page * PAGE_SIZE}
                members = self._session.call("GET", f"/v2/teams/{team}/memberships", _Memberships, query=query).data
                for one in members:
                    found[one.user_id] = _user(one.user_id, one.user.name, one.user.username, one.user.email)
                if len(members) < PAGE_SIZE:
                    break
        return sorted(found.values(), key=lambda user: user.id)

    def event_types(self) -> list[CalComEventType]:
        """The account's own and its teams', each once, by id."""
        paths = ["/v2/event-types", *(f"/v2/teams/{team}/event-types" for team in self._team_ids())]
        found = {}
        for path in paths:
            for one in self._session.call("GET", path, _EventTypes, headers=_EVENT_TYPES).data:
                found[one.id] = CalComEventType(
                    id=one.id, title=one.title, slug=one.slug, length_min=one.length_in_minutes, hosts=_hosts(one)
                )
        return sorted(found.values(), key=lambda kind: kind.id)

    def webhooks(self) -> list[CalComWebhook]:
        """Every subscription of the account."""
        found: list[CalComWebhook] = []
        for page in range(MOST_PAGES):
            query = {"take": PAGE_SIZE, "skip": page * PAGE_SIZE}
            some = self._session.call("GET", "/v2/webhooks", _Webhooks, query=query).data
            found += some
            if len(some) < PAGE_SIZE:
                break
        return found

    def subscribe(self, url: str, triggers: Sequence[str], secret: str) -> CalComWebhook:
        """A new, active subscription."""
        body = {"active": True, "subscriberUrl": url, "triggers": list(triggers), "secret": secret}
        return self._session.call("POST", "/v2/webhooks", _OneWebhook, body=body).data

    def resubscribe(self, webhook_id: Any, triggers: Sequence[str], secret: str) -> CalComWebhook:
        """A subscription that exists, active again with these triggers and this secret."""
        body = {"active": True, "triggers": list(triggers), "secret": secret}
        return self._session.call("PATCH", f"/v2/webhooks/{webhook_id}", _OneWebhook, body=body).data

    def _team_ids(self) -> list[int]:
        if self._teams is None:
            try:
                self._teams = [team.id for team in self._session.call("GET", "/v2/teams", _Teams).data]
            except VendorRefused as refusal:
                if refusal.code not in ("calcom_forbidden", "calcom_not_found"):
                    raise
                self._teams = []
        return self._teams


def _user(user_id: int, name: str | None, username: str | None, email: str | None) -> CalComUser:
    return CalComUser(id=user_id, name=name or "", username=username or "", email=email)


def _hosts(one: _EventType) -> tuple[int, ...]:
    listed = [person.get("userId", person.get("id")) for person in (*one.hosts, *one.users) if isinstance(person, dict)]
    known = [number for number in listed if isinstance(number, int)]
    if not known and isinstance(one.owner_id, int):
        known = [one.owner_id]
    return tuple(dict.fromkeys(known))
