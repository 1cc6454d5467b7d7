"""Who holds and who attends the simulated bookings: reassigning, attendees, guests, and the account's users."""

from typing import Any

from infra.local.simulators.calcom.bookings import Booking, Bookings, instant
from infra.local.simulators.calcom.event_types import Host
from infra.local.simulators.exchange import Refused, Reply, Request, Route

MOST_GUESTS_AT_ONCE = 10
MOST_GUESTS = 30
TEAM = 1


class People:
    """The endpoints that change people of a booking; like Cal.com's they send no webhook. Polling finds the change."""

    def __init__(self, bookings: Bookings) -> None:
        self._bookings = bookings

    def routes(self) -> tuple[Route, ...]:
        """Version 2024-08-13 of the bookings' own, and the team's."""
        return (
            Route("POST", "/v2/bookings/{uid}/reassign/{user_id}", self._reassign),
            Route("POST", "/v2/bookings/{uid}/attendees", self._add_attendee),
            Route("GET", "/v2/bookings/{uid}/attendees", self._attendees),
            Route("POST", "/v2/bookings/{uid}/guests", self._add_guests),
            Route("GET", "/v2/teams", lambda request: _success([{"id": TEAM, "name": "Team", "slug": "team"}])),
            Route("GET", "/v2/teams/{team_id}/memberships", self._memberships),
            Route("GET", "/v2/teams/{team_id}/event-types", self._team_event_types),
        )

    def own_event_types(self) -> list[dict[str, Any]]:
        """`GET /v2/event-types`: those with one host, whom it lists as its user."""
        return [
            _event_type(kind) | {"users": [_user(kind.hosts[0])], "ownerId": kind.hosts[0].id}
            for kind in self._bookings.event_types.values()
            if len(kind.hosts) == 1
        ]

    def _team_event_types(self, request: Request, team_id: str) -> Reply:
        return _success(
            [
                _event_type(kind)
                | {
                    "teamId": TEAM,
                    "schedulingType": "roundRobin",
                    "hosts": [{"userId": host.id, "name": host.name, "username": host.username} for host in kind.hosts],
                }
                for kind in self._bookings.event_types.values()
                if len(kind.hosts) > 1
            ]
        )

    def _memberships(self, request: Request, team_id: str) -> Reply:
        hosts = {host.id: host for kind in self._bookings.event_types.values() for host in kind.hosts}
        rows = [
            {"id": host.id, "userId": host.id, "teamId": TEAM, "accepted": True, "role": "MEMBER"}
            | {"user": {"email": host.email, "name": host.name, "username": host.username}}
            for host in hosts.values()
        ]
        take, skip = int(request.query.get("take", "250")), int(request.query.get("skip", "0"))
        return _success(rows[skip : skip + take])

    def _reassign(self, request: Request, uid: str, user_id: str) -> Reply:
        booking = self._active(uid)
        kind = self._bookings.event_types[booking["eventTypeId"]]
        host = next((host for host in kind.hosts if str(host.id) == user_id), None)
        if len(kind.hosts) < 2 or host is None:
            raise Refused(400, f"User with id={user_id} is not a round-robin host of this event type")
        start, end = instant(booking["start"], "start"), instant(booking["end"], "end")
        if any(
            one["hosts"][0]["id"] == host.id
            and one["uid"] != uid
            and one["status"] in ("accepted", "pending")
            and instant(one["start"], "start") < end
            and start < instant(one["end"], "end")
            for one in self._bookings.all.values()
        ):
            raise Refused(400, f"User with id={user_id} is not available at this time")
        self._bookings.touch(booking, hosts=[_host(host)])
        person = {"id": host.id, "name": host.name, "email": host.email, "displayEmail": host.email}
        return _success({"bookingUid": uid, "reassignedTo": person})

    def _attendees(self, request: Request, uid: str) -> Reply:
        return _success(self._bookings.get(uid)["attendees"])

    def _add_attendee(self, request: Request, uid: str) -> Reply:
        body = request.json()
        for name in ("name", "timeZone", "email"):
            if not isinstance(body.get(name), str):
                raise Refused(400, f"{name} must be a string")
        booking = self._active(uid)
        added = self._add(booking, body)
        return _success(added, 201)

    def _add_guests(self, request: Request, uid: str) -> Reply:
        guests = request.json().get("guests")
        if not isinstance(guests, list) or not 0 < len(guests) <= MOST_GUESTS_AT_ONCE:
            raise Refused(400, f"guests must contain 1 to {MOST_GUESTS_AT_ONCE} elements")
        booking = self._active(uid)
        if len(booking["guests"]) + len(guests) > MOST_GUESTS:
            raise Refused(400, f"A booking has at most {MOST_GUESTS} guests")
        for guest in guests:
            self._add(booking, {"name": "", "timeZone": "UTC", **guest})
        self._bookings.touch(booking, guests=[*booking["guests"], *(guest["email"] for guest in guests)])
        return _success(booking)

    def _add(self, booking: Booking, person: dict[str, Any]) -> dict[str, Any]:
        if any(one["email"] == person["email"] for one in booking["attendees"]):
            raise Refused(400, f"{person['email']} is an attendee of this booking already")
        added = {"language": "en", "absent": False, **person}
        self._bookings.touch(booking, attendees=[*booking["attendees"], added])
        return added

    def _active(self, uid: str) -> Booking:
        booking = self._bookings.get(uid)
        if booking["status"] not in ("accepted", "pending"):
            raise Refused(400, f"Booking with uid={uid} is {booking['status']}.")
        return booking


def _event_type(kind: Any) -> dict[str, Any]:
    return {
        "id": kind.id,
        "title": kind.title,
        "slug": kind.slug,
        "lengthInMinutes": kind.length_in_minutes,
        "lengthInMinutesOptions": kind.length_in_minutes_options,
        "hidden": False,
    }


def _user(host: Host) -> dict[str, Any]:
    return {"id": host.id, "name": host.name, "username": host.username}


def _host(host: Host) -> dict[str, Any]:
    return {**_user(host), "email": host.email, "timeZone": host.time_zone}


def _success(data: Any, status: int = 200) -> Reply:
    return Reply(status, {"status": "success", "data": data})
