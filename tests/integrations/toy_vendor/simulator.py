"""Toy as a fake: it refuses what is occupied, unknown, over, or asked without its key."""

from collections.abc import Sequence
from time import time
from typing import Any

from infra.local.simulators.exchange import Refused, Reply, Request, Route
from infra.local.simulators.server import Simulator

PAGE = 3
KEY = "toy_key"
Json = dict[str, Any]


class ToySimulator(Simulator):
    """`services`: minutes by what can be reserved. Of what is in `asking` a reservation waits until it is approved."""

    def __init__(self, services: dict[str, int], desks: Sequence[str]) -> None:
        super().__init__()
        self.services, self.desks = services, tuple(desks)
        self.asking: set[str] = set()
        self.all: dict[str, Json] = {}
        self._last_change = 0.0

    def clear(self) -> None:
        """Without reservations."""
        self.all.clear()

    def restore(self, state: Any) -> None:
        """It keeps nothing."""

    def routes(self) -> Sequence[Route]:
        """All there are."""
        return (
            Route("POST", "/reservations", lambda request: Reply(201, self.reserve(request.json()))),
            Route("GET", "/reservations", self._noted),
            Route("GET", "/reservations/{id}", lambda request, id: Reply(200, self.get(id))),
            Route("PATCH", "/reservations/{id}", lambda request, id: Reply(200, self.change(id, request.json()))),
            Route("DELETE", "/reservations/{id}", lambda request, id: Reply(200, self.let_go(id))),
            Route("PUT", "/reservations/{id}/people", lambda request, id: Reply(200, self.touch(id, request.json()))),
            Route("GET", "/changes", self._changes),
        )

    def admit(self, request: Request) -> None:
        """Nothing without the key."""
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise Refused(401, "who are you?")

    def error_body(self, request: Request, status: int, message: str) -> Any:
        """One word."""
        return {"message": message}

    def get(self, reservation_id: str) -> Json:
        """A reservation, also one that is over."""
        if reservation_id not in self.all:
            raise Refused(404, "unknown")
        return self.all[reservation_id]

    def reserve(self, body: Json) -> Json:
        """A new reservation, at the first free desk unless one is named."""
        what, at = body["what"], float(body["at"])
        if what not in self.services or at % 60:
            raise Refused(422, "no such thing, or no such time")
        made: Json = {
            "id": f"T-{len(self.all) + 1}",
            "what": what,
            "desk": "",
            "at": at,
            "until": at + self.services[what] * 60,
            "state": "asked" if what in self.asking else "booked",
            "guest": body["guest"],
            "others": [],
            "came": None,
            "notes": body.get("notes", {}),
        }
        made["desk"] = self._free_desk(made, body.get("desk"))
        self.all[made["id"]] = made
        return self._changed(made)

    def change(self, reservation_id: str, body: Json) -> Json:
        """Another time, another desk, or approved; all of it or nothing."""
        known = self.get(reservation_id)
        if known["state"] == "gone":
            raise Refused(410, "over")
        at = float(body["at"] if "at" in body else known["at"])
        moved = {**known, "at": at, "until": at + self.services[known["what"]] * 60}
        moved["desk"] = self._free_desk(moved, body.get("desk", known["desk"]))
        return self._changed(known | moved | {"state": body.get("state", known["state"])})

    def let_go(self, reservation_id: str) -> Json:
        """Over; of what is over already, nothing changes."""
        known = self.get(reservation_id)
        return known if known["state"] == "gone" else self._changed({**known, "state": "gone"})

    def touch(self, reservation_id: str, fields: Json) -> Json:
        """What nobody has to agree to."""
        return self._changed({**self.get(reservation_id), **fields})

    def standing(self) -> list[Json]:
        """Those that take a desk."""
        return [each for each in self.all.values() if each["state"] != "gone"]

    def _free_desk(self, wanted: Json, named: str | None) -> str:
        if named is not None and named not in self.desks:
            raise Refused(422, "no such desk")
        for desk in self.desks if named is None else (named,):
            others = [each for each in self.standing() if each["desk"] == desk and each["id"] != wanted["id"]]
            if not any(each["at"] < wanted["until"] and wanted["at"] < each["until"] for each in others):
                return desk
        raise Refused(409, "occupied")

    def _changed(self, reservation: Json) -> Json:
        # Two changes never bear the same instant, as the order of the list would be chance.
        self._last_change = max(time(), self._last_change + 0.001)
        self.all[reservation["id"]] = {**reservation, "changed": self._last_change}
        return self.all[reservation["id"]]

    def _noted(self, request: Request) -> Reply:
        name, _, value = request.query["note"].partition(":")
        return Reply(200, {"items": [each for each in self.all.values() if each["notes"].get(name) == value]})

    def _changes(self, request: Request) -> Reply:
        after, skip = float(request.query["after"]), int(request.query["skip"])
        found = sorted((each for each in self.all.values() if each["changed"] >= after), key=lambda one: one["changed"])
        page = found[skip : skip + PAGE]
        return Reply(200, {"items": page, "more": len(found) > skip + PAGE})
