"""Limits when an appointment moves: what it counted to before, and what it counts to then."""

from collections.abc import Sequence

import msgspec

from chalicelib.booking.allocation.time_swap import staff_of
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules import facts as rule_facts
from chalicelib.booking.rules import limit_store, rules
from chalicelib.booking.rules.limits import Counter, LimitQuery
from chalicelib.booking.rules.rules import Failure
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact


class Recount(msgspec.Struct, frozen=True):
    """Counters to add to and names of counters to take from; `full`: the rules that the new place fails."""

    to: Sequence[Counter] = ()
    off: Sequence[str] = ()
    full: tuple[Failure, ...] = ()

    def stage(self, unit: Unit, *, over_the_limit: bool = False) -> None:
        """Stage it; the unit ends as Stale when a limit was reached meanwhile, unless that does not matter."""
        limit_store.count(unit, self.to, over_the_limit=over_the_limit)
        limit_store.uncount(unit, self.off)


def moved(schedule: Schedule, old: Appointment, new: Appointment) -> tuple[Appointment, Recount]:
    """`new`, counted where it then stands. One request when there are limits that it did not count to before."""
    service = schedule.find_service(old.sold_as)
    if service is None:  # no longer offered here: nothing limits it
        return new, Recount()
    member = staff_of(schedule, new.staff_id)
    day = new.starts_at.astimezone(schedule.branch.clock()).date()
    # What the participants of a group count to is kept with each of them, and follows by a job.
    query = LimitQuery(schedule, service, [member] if member else [], None if new.group else new.customer_id, day)
    counters, kept = query.counters(), []
    if old.package:
        # A part goes to someone else: what the package as such counts to stays.
        counters = [counter for counter in counters if counter.what == "staff"]
        kept = [name for name in old.counted if name.split("#")[1] != "staff"]
    after = (*kept, *(counter.name for counter in counters))
    to = [counter for counter in counters if counter.name not in old.counted]
    off = [name for name in old.counted if name not in after]
    counted = msgspec.structs.replace(new, counted=after)
    if not to:
        return counted, Recount(to, off)
    usages = rule_facts.read(query, Contact(), {}).usages
    return counted, Recount(to, off, tuple(rules.full([usages[counter] for counter in to])))
