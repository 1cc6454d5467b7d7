"""Who is under way when, for a search: the stops of every calendar and the place that is asked about; pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from chalicelib.booking.availability.search_index import IndexedStaff
from chalicelib.booking.calendar import locations as stops
from chalicelib.booking.calendar.entries import Days
from chalicelib.booking.calendar.locations import DayLocations
from chalicelib.booking.engine.hours import Hours
from chalicelib.booking.engine.query import Frame
from chalicelib.booking.engine.starts import SlotSpec
from chalicelib.booking.engine.windows import Window
from chalicelib.booking.practice.geo import Leg, Point, Roads, Travel, legs_between
from chalicelib.booking.practice.models import Service


class TravelBlocks(msgspec.Struct, frozen=True, kw_only=True):
    """`here`: the customer's place, for mobile services; `bases`: where home branches lie, by id.

    `known`: ways that a provider knows.
    """

    here: Point | None = None
    stops: Mapping[str, DayLocations] = {}
    bases: Mapping[str, Point] = {}
    known: Mapping[Leg, int] = {}

    def under_way(self, worker: IndexedStaff, service: Service, days: Days, frame: Frame, now: datetime) -> int:
        """A bitmap of the frame: minutes that go by on the ways between the service and the rest of his calendar."""
        mine = self.stops.get(worker.id, {})
        if not service.mobile and not mine:
            return 0  # nearly always: everything is where it always is
        base = self.bases.get(worker.home_branch_id)
        here = self.here if service.mobile else base
        return stops.travelling(days, mine, base, here, self._roads(service), frame, now)

    def own_time(
        self, worker: IndexedStaff, service: Service, ask: SlotSpec, hours: Hours, frame: Frame
    ) -> list[Window]:
        """What of his hours is no time for the service, where the ways from home and back lie in them."""
        ways = self._roads(service)
        if not service.mobile or not ways.travel.within_hours:
            return []
        start = worker.home or self.bases.get(worker.home_branch_id)
        there, back = ways.minutes(start, self.here), ways.minutes(self.here, start)
        return stops.commute(hours, frame.first - 1, frame.first + frame.days, ask, there, back)

    def _roads(self, service: Service) -> Roads:
        return Roads(service.policy.travel or Travel(), self.known)

    def ways(self, workers: Iterable[IndexedStaff], services: Sequence[Service]) -> list[Leg]:
        """Every way that these services of these workers may need, for whoever knows ways better."""
        found: list[Leg] = []
        for worker in workers:
            base, mine = self.bases.get(worker.home_branch_id), self.stops.get(worker.id, {})
            mobile = any(service.mobile and service.id in worker.service_ids for service in services)
            if mobile or mine:
                found += legs_between(
                    [base, *([self.here] if mobile else [])], [base, worker.home, *stops.points_of(mine)]
                )
        return list(dict.fromkeys(found))
