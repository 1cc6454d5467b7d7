"""What clients give and get to see of series, and how their requests go through one."""

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec.structs import asdict

from chalicelib.booking.series.recurrence import MOST, Frequency, Recurrence
from chalicelib.core.clock import now
from chalicelib.core.payloads import Answer, Body
from chalicelib.core.requests import Request
from chalicelib.core.unit import Unit

if TYPE_CHECKING:
    from chalicelib.booking.series.finish import SeriesProgress, SeriesRun
    from chalicelib.booking.series.plan import Plan
    from chalicelib.booking.series.series import Occurrence

Outcome = Literal["booked", "held", "conflict", "failed"]


class RecurrenceBody(Body):
    """`rrule` (RFC 5545, no hours) with `custom`. It ends by `count` or `until`, after a hundred or two years at most.

    `until` and `excluded` are the branch's dates. A month without the day is skipped; `BYMONTHDAY=-1` is the last day.
    """

    frequency: Frequency
    rrule: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] | None = None
    count: Annotated[int, msgspec.Meta(ge=1, le=MOST)] | None = None
    until: date | None = None
    excluded: Annotated[list[date], msgspec.Meta(max_length=MOST)] = msgspec.field(default_factory=list)

    def model(self) -> Recurrence:
        """The recurrence."""
        return Recurrence(**asdict(self) | {"excluded": tuple(self.excluded)})


class CheckedOccurrence(Answer):
    """One time, on the branch's clock. What cannot be had: `code`, the rules' `failures`, and `alternatives`."""

    starts_at: datetime
    bookable: bool
    code: str | None = None
    failures: list[dict[str, Any]] = []
    alternatives: list[dict[str, Any]] = []


class CheckedAnswer(Answer):
    """Every occurrence in order. An alternative leaves the other occurrences their times."""

    zone: str
    bookable: int
    occurrences: list[CheckedOccurrence]


class OccurrenceAnswer(Answer):
    """What came of one time. `starts_at` is on the branch's clock, where its appointment stands now.

    held: the time is kept, and its appointment is about to be made; conflict: it was not to be had (`code`).
    `status` and `version` are the appointment's.
    """

    outcome: Outcome
    starts_at: datetime
    ends_at: datetime
    appointment_id: str | None = None
    status: str | None = None
    version: int | None = None
    staff_id: str | None = None
    code: str | None = None
    failures: list[dict[str, Any]] = []
    alternatives: list[dict[str, Any]] = []


class TargetAnswer(Answer):
    """What came of one appointment: `done`, or `code` says why not: it is over, in the past, or was refused."""

    appointment_id: str
    outcome: Literal["done", "left", "pending"]
    code: str | None = None
    failures: list[dict[str, Any]] = []
    alternatives: list[dict[str, Any]] = []


class SeriesChangeAnswer(Answer):
    """The latest change; unless `finished`, it is gone on with by itself."""

    kind: str
    scope: str
    appointment_id: str
    finished: bool
    outcomes: list[TargetAnswer]


class SeriesAnswer(Answer):
    """A series. `status` booking: all its times are kept, and become appointments shortly; failed: nothing stands."""

    id: str
    branch_id: str
    service_id: str
    customer_id: str
    status: str
    frequency: str
    rrule: str | None
    zone: str
    occurrences: list[OccurrenceAnswer]
    change: SeriesChangeAnswer | None
    created_at: datetime
    updated_at: datetime
    version: int


class VisitorOccurrence(Answer):
    """What came of one time, as a visitor sees it."""

    outcome: Outcome
    starts_at: datetime
    ends_at: datetime
    appointment_id: str | None = None
    staff_id: str | None = None
    alternatives: list[dict[str, Any]] = []


class VisitorSeriesAnswer(Answer):
    """A series, as a visitor sees it."""

    id: str
    branch_id: str
    service_id: str
    status: str
    zone: str
    occurrences: list[VisitorOccurrence]


def run_of(request: Request, show: "Callable[[SeriesProgress], Answer]", company_id: str | None = None) -> "SeriesRun":
    """How the request goes through a series; `company_id`: of a public route, which has just learnt it."""
    from chalicelib.booking.series.finish import SeriesRun

    whose = company_id or request.company_id

    def silent() -> Unit:
        return Unit(whose, request.actor, correlation_id=request.id, clock=request.clock)

    return SeriesRun(silent, whose, now, answering=lambda: request.unit(show, whose))


def show_plan(plan: "Plan") -> CheckedAnswer:
    """The occurrences as clients see them."""
    found = [msgspec.convert(one, CheckedOccurrence) for one in plan.listed()]
    zone = plan.context.schedule.branch.zone
    return CheckedAnswer(zone=zone, bookable=sum(one.bookable for one in found), occurrences=found)


def show_series(progress: "SeriesProgress") -> SeriesAnswer:
    """The series as clients see it."""
    series = progress.series
    return SeriesAnswer(
        **{name: getattr(series, name) for name in ("id", "status", "zone", "created_at", "updated_at", "version")},
        **{name: getattr(series.template, name) for name in ("branch_id", "service_id", "customer_id")},
        frequency=series.recurrence.frequency,
        rrule=series.recurrence.rrule,
        occurrences=[OccurrenceAnswer(**_occurrence(progress, one)) for one in series.occurrences],
        change=_change(progress),
    )


def show_to_visitor(progress: "SeriesProgress") -> VisitorSeriesAnswer:
    """The series as a visitor sees it: no reasons, and nobody's name."""
    series, names = progress.series, VisitorOccurrence.__struct_fields__
    occurrences = [_occurrence(progress, one) for one in series.occurrences]
    return VisitorSeriesAnswer(
        **{name: getattr(series, name) for name in ("id", "status", "zone")},
        branch_id=series.template.branch_id,
        service_id=series.template.service_id,
        occurrences=[VisitorOccurrence(**{name: one[name] for name in names if name in one}) for one in occurrences],
    )


def _occurrence(progress: "SeriesProgress", one: "Occurrence") -> dict[str, Any]:
    series, clock = progress.series, progress.series.clock()
    made = progress.appointments.get(one.appointment_id or "")
    slot = made or one
    # What the provider does not have after all was not to be had either.
    code = made.cancellation_reason if made and made.status == "released" else one.code
    stands = made is not None or series.status == "booked"
    outcome = "conflict" if code else "booked" if stands else "held"
    return {
        **progress.conflicts.get(one.starts_at.isoformat(), {}),
        "outcome": "failed" if series.status == "failed" else outcome,
        "starts_at": slot.starts_at.astimezone(clock),
        "ends_at": slot.ends_at.astimezone(clock),
        "appointment_id": one.appointment_id if stands else None,
        "status": made.status if made else None,
        "version": made.version if made else None,
        "staff_id": slot.staff_id,
        "code": code,
    }


def _change(progress: "SeriesProgress") -> SeriesChangeAnswer | None:
    change = progress.series.change
    if change is None:
        return None
    outcome: Literal["done", "pending"] = "done" if change.finished else "pending"
    outcomes = [
        TargetAnswer(
            appointment_id=target.appointment_id,
            outcome="left" if target.code else outcome,
            code=target.code,
            **progress.conflicts.get(target.appointment_id, {}),
        )
        for target in change.targets
    ]
    return SeriesChangeAnswer(
        kind=change.kind,
        scope=change.scope,
        appointment_id=change.appointment_id,
        finished=change.finished,
        outcomes=outcomes,
    )
