"""A booking that is to be decided on: the request, and everything that was read for it."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from chalicelib.booking.allocation import context as branch_context
from chalicelib.booking.allocation.context import BranchContext, CalendarFilter
from chalicelib.booking.alternatives.refusal import RefusedRequest
from chalicelib.booking.appointments.hold import Hold
from chalicelib.booking.calendar.entries import reference_of
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.booking.creation.who_comes import WhoComes
from chalicelib.booking.practice.models import Service
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules import facts as rule_facts
from chalicelib.booking.rules.limits import LimitQuery
from chalicelib.core.tables import Key


class BookingContext(msgspec.Struct, frozen=True, kw_only=True):
    """`record_id`: of the appointment, or the hold, to be. `customer_id`: if they are known. `hold`: the visitor's own.
    `comes`: how the customer was found.

    `request.starts_at` in UTC; the rows of `branch` hold whatever was read at the keys of `read`.
    """

    request: BookingRequest
    branch: BranchContext
    record_id: str
    now: datetime
    customer_id: str | None = None
    comes: WhoComes | None = None
    hold: Hold | None = None

    @property
    def schedule(self) -> Schedule:
        """The branch's."""
        return self.branch.schedule

    @property
    def company_id(self) -> str:
        """Whose branch it is."""
        return self.branch.schedule.branch.company_id

    @property
    def day(self) -> date:
        """The local date on which it begins."""
        return self.request.starts_at.astimezone(self.schedule.branch.clock()).date()

    @property
    def reference(self) -> bytes:
        """Under which it will lie in calendars."""
        return reference_of(self.record_id)

    def refused(self, service: Service) -> RefusedRequest:
        """What cannot be had, as the search for other times sees it. `service` with the length asked for."""
        request = self.request
        return RefusedRequest(
            company_id=self.company_id,
            branch_id=request.branch_id,
            service=service,
            staff=request.staff,
            starts_at=request.starts_at,
            now=self.now,
            customer_id=self.customer_id,
            published=request.visitor,
            seats=request.seats,
            address=request.address,
            length_min=request.length_min,
            # Who calls a branch is told of that branch's times.
            other_branches=request.source != "retell_phone",
        )


def read(company_id: str, request: BookingRequest, keys: Sequence[Key]) -> BranchContext:
    """The branch around the time asked for, what the rules will look at, and the rows at `keys`; one request mostly.

    Raises NotFound when there is no such branch.
    """
    known, at = branch_context.seen(company_id, request.branch_id), request.starts_at
    blocks = rule_facts.block_keys(company_id, request.customer_id, request.contact)
    only = CalendarFilter(request.staff, request.service)
    around = [*keys, *blocks, *(_expected(known, request) if known else ())]
    return branch_context.read(company_id, request.branch_id, (at, at), only, around)


def _expected(schedule: Schedule, request: BookingRequest) -> list[Key]:
    """Where it most likely lies what the rules will look at, by the schedule as this process last saw it."""
    service = schedule.find_service(request.service)
    if service is None:
        return []
    day = request.starts_at.astimezone(schedule.branch.clock()).date()
    done = {service.id, *(part.service_id for part in service.parts)}
    staff = [member for member in schedule.staff if done.intersection(member.service_ids)]
    return rule_facts.keys(LimitQuery(schedule, service, staff, request.customer_id, day))
