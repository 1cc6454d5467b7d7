"""Planning a series: each occurrence is decided after those before it, on what was read once for all of them.

An occurrence that can be had takes its time and counts to its limits in what was read, so the next one is decided as if
it stood already: two of a series never meet, and a limit of two a week lets two in.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.booking.alternatives import search as alternatives_search
from chalicelib.booking.alternatives.refusal import NO_OTHER_TIME_HELPS
from chalicelib.booking.alternatives.search import LOOK_AHEAD, LOOK_BACK
from chalicelib.booking.calendar.entries import reference_of
from chalicelib.booking.creation import decision as booking_decision
from chalicelib.booking.creation.decision import Decision, Refusal
from chalicelib.booking.rules.rules import described
from chalicelib.booking.series.context import SeriesContext, with_weeks
from chalicelib.core.ids import new_id

Conflicts = dict[str, dict[str, Any]]
"""What refusals said, by the start of an occurrence or by the appointment that they are about."""


class PlannedOccurrence(msgspec.Struct, frozen=True):
    """What was decided about one occurrence; its appointment's id is made already."""

    starts_at: datetime
    appointment_id: str
    result: Decision | Refusal


class Plan(msgspec.Struct, frozen=True):
    """All occurrences in order, what was read before they were decided, and what stands in the way of those that cannot
    be had, by their start (UTC): `code`, `failures`, `alternatives`.
    """

    occurrences: list[PlannedOccurrence]
    context: SeriesContext
    conflicts: Conflicts

    @property
    def decisions(self) -> list[Decision]:
        """Those that can be had."""
        return [one.result for one in self.occurrences if isinstance(one.result, Decision)]

    def listed(self) -> list[dict[str, Any]]:
        """Every occurrence with whether it can be had, in plain values and the branch's own time."""
        clock = self.context.schedule.branch.clock()
        return [
            {
                "starts_at": one.starts_at.astimezone(clock).isoformat(),
                "bookable": isinstance(one.result, Decision),
                **self.conflicts.get(one.starts_at.isoformat(), {}),
            }
            for one in self.occurrences
        ]


def make_plan(context: SeriesContext) -> Plan:
    """Each occurrence decided, with alternatives to those that cannot be had."""
    planned, after = [], context
    for at in context.starts:
        appointment_id = new_id("apt")
        result = booking_decision.judge(
            context.company_id,
            msgspec.structs.replace(context.request, starts_at=at).asked(),
            after.near(at),
            after.rows,
            context.customer_id,
            context.request.contact,
            reference_of(appointment_id),
            context.now,
            somebody=context.request.for_somebody,
        )
        planned.append(PlannedOccurrence(at, appointment_id, result))
        if isinstance(result, Decision):
            after = after.with_hold(result)
    return Plan(planned, context, _conflicts(planned, after))


def _conflicts(planned: Sequence[PlannedOccurrence], after: SeriesContext) -> Conflicts:
    """The calendars around all that were refused are read together; an alternative leaves the others their times."""
    refused = [(one.starts_at, one.result) for one in planned if isinstance(one.result, Refusal)]
    helped = {at for at, refusal in refused if not {f.rule for f in refusal.failures} & NO_OTHER_TIME_HELPS}
    if helped:
        after = with_weeks(after, [(at - LOOK_BACK, at + LOOK_AHEAD) for at in sorted(helped)], everyone=True)
    found: Conflicts = {}
    consultations: list[dict[str, Any]] | None = None
    for at, refusal in refused:
        alternatives: list[dict[str, Any]] = []
        if any(failure.rule == "consultation" for failure in refusal.failures):
            # One consultation comes before all of them: times for it are looked for once.
            if consultations is None:
                consultations = alternatives_search.offered(refusal.sought, consultation=True)
            alternatives = consultations
        elif at in helped:
            alternatives = alternatives_search.offered_in(refusal.sought, after.booking, after.rows)
        found[at.isoformat()] = {
            "code": "not_bookable" if refusal.failures else "slot_taken",
            "failures": described(refusal.failures),
            "alternatives": alternatives,
        }
    return found
