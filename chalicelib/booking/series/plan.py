"""Planning a series: each occurrence is decided after those before it, on what was read once for all of them.

An occurrence that can be had takes its time and counts to its limits in what was read, so the next one is decided as if
it stood already: two of a series never meet, and a limit of two a week lets two in.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.booking.alternatives import search as alternatives_search
from chalicelib.booking.alternatives.refusal import Refusal
from chalicelib.booking.creation.decided import Decision
from chalicelib.booking.creation.decision import judge
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
    def decisions(self) -> dict[str, Decision]:
        """Those that can be had, by their appointments' ids."""
        return {one.appointment_id: one.result for one in self.occurrences if isinstance(one.result, Decision)}

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
        result = judge(after.booking(at, appointment_id))
        planned.append(PlannedOccurrence(at, appointment_id, result))
        if isinstance(result, Decision):
            after = after.with_hold(result)
    return Plan(planned, context, _conflicts(planned, after))


def _conflicts(planned: Sequence[PlannedOccurrence], after: SeriesContext) -> Conflicts:
    """The calendars around all that were refused are read together; an alternative leaves the others their times."""
    refused = [(one.starts_at, one.result) for one in planned if isinstance(one.result, Refusal)]
    helped = [refusal.request.between for _, refusal in refused if refusal.other_times_help]
    if helped:
        after = with_weeks(after, helped, everyone=True)
    found: Conflicts = {}
    consultations: list[dict[str, Any]] | None = None
    for at, refusal in refused:
        alternatives: list[dict[str, Any]] = []
        if refusal.consultation:
            # One consultation comes before all of them: times for it are looked for once.
            if consultations is None:
                consultations = alternatives_search.find_alternatives(refusal.request, consultation=True)
            alternatives = consultations
        elif refusal.other_times_help:
            alternatives = alternatives_search.find_in_branch(refusal.request, after.branch, after.branch.rows)
        found[at.isoformat()] = {
            "code": refusal.code,
            "failures": described(refusal.failures),
            "alternatives": alternatives,
        }
    return found
