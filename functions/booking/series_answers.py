"""What clients give and get to see of series."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from chalicelib.booking.series.recurrence import MOST, Frequency, Recurrence
from chalicelib.core.payloads import Answer, Body

if TYPE_CHECKING:
    from chalicelib.booking.series.book import Checked
    from chalicelib.booking.series.finish import SeriesProgress
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
        return Recurrence(
            frequency=self.frequency,
            rrule=self.rrule,
            count=self.count,
            until=self.until,
            excluded=tuple(self.excluded),
        )


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


def show_checked(checked: "Checked") -> CheckedAnswer:
    """The occurrences as clients see them."""
    from chalicelib.booking.series.book import listed

    found = [msgspec.convert(one, CheckedOccurrence) for one in listed(checked)]
    return CheckedAnswer(zone=checked.zone, bookable=sum(one.bookable for one in found), occurrences=found)


def show_series(standing: "SeriesProgress") -> SeriesAnswer:
    """The series as clients see it."""
    series = standing.series
    known = ("id", "branch_id", "service_id", "customer_id", "status", "zone", "created_at", "updated_at", "version")
    return SeriesAnswer(
        **{name: getattr(series, name) for name in known},
        frequency=series.recurrence.frequency,
        rrule=series.recurrence.rrule,
        occurrences=[OccurrenceAnswer(**_occurrence(standing, one)) for one in series.occurrences],
        change=_change(standing),
    )


def show_to_visitor(standing: "SeriesProgress") -> VisitorSeriesAnswer:
    """The series as a visitor sees it: no reasons, and nobody's name."""
    series = standing.series
    names = VisitorOccurrence.__struct_fields__
    occurrences = [_occurrence(standing, one) for one in series.occurrences]
    return VisitorSeriesAnswer(
        **{name: getattr(series, name) for name in ("id", "branch_id", "service_id", "status", "zone")},
        occurrences=[VisitorOccurrence(**{name: one[name] for name in names if name in one}) for one in occurrences],
    )


def _occurrence(standing: "SeriesProgress", one: "Occurrence") -> dict[str, Any]:
    clock = standing.series.clock()
    made = standing.appointments.get(one.appointment_id or "")
    told = standing.told.get(one.starts_at.isoformat(), {})
    at = made or one
    # What Cal.com does not have after all was not to be had either.
    code = made.cancellation_reason if made and made.status == "released" else one.code
    stands = made is not None or standing.series.status == "booked"
    outcome = "conflict" if code else "booked" if stands else "held"
    return {
        **told,
        "outcome": "failed" if standing.series.status == "failed" else outcome,
        "starts_at": at.starts_at.astimezone(clock),
        "ends_at": at.ends_at.astimezone(clock),
        "appointment_id": one.appointment_id if stands else None,
        "status": made.status if made else None,
        "version": made.version if made else None,
        "staff_id": at.staff_id,
        "code": code,
    }


def _change(standing: "SeriesProgress") -> SeriesChangeAnswer | None:
    change = standing.series.change
    if change is None:
        return None
    open_: Literal["done", "pending"] = "done" if change.finished else "pending"
    outcomes = [
        TargetAnswer(
            appointment_id=target.appointment_id,
            outcome="left" if target.code else open_,
            code=target.code,
            **standing.told.get(target.appointment_id, {}),
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
