"""Limits when an appointment moves: what it counted to before, and what it counts to then."""

from collections.abc import Sequence

import msgspec

from chalicelib.booking.allocation.time_swap import staff_of
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules import facts as rule_facts
from chalicelib.booking.rules import limit_store, limits, rules
from chalicelib.booking.rules.limits import Counter
from chalicelib.booking.rules.rules import Failure
from chalicelib.core.unit import Unit
from chalicelib.crm.customer import Contact


class Recounting(msgspec.Struct, frozen=True):
    """Counters to add to and names of counters to take from; `full`: the rules that the new place fails."""

    to: Sequence[Counter] = ()
    off: Sequence[str] = ()
    full: Sequence[Failure] = ()

    def stage(self, unit: Unit, *, over_the_limit: bool = False) -> None:
        """Stage it; the unit ends as Stale when a limit was reached meanwhile, unless that does not matter."""
        limit_store.count(unit, self.to, over_the_limit=over_the_limit)
        limit_store.uncount(unit, self.off)


def moved(schedule: Schedule, old: Appointment, new: Appointment) -> tuple[Appointment, Recounting]:
    """`new`, counted where it then stands. One request when there are limits that it did not count to before."""
    service = schedule.find_service(old.package.service_id if old.package else old.service_id)
    if service is None:  # no longer offered here: nothing limits it
        return new, Recounting()
    member = staff_of(schedule, new.staff_id)
    day = new.starts_at.astimezone(schedule.branch.clock()).date()
    staff = [member] if member else []
    # What the participants of a group count to is kept with each of them, and follows by a job.
    customer_id = None if new.group else new.customer_id
    wanted = limits.counters(schedule, service, staff, customer_id, day)
    kept: list[str] = []
    if old.package:
        # A part goes to someone else: what the package as such counts to stays.
        wanted = [counter for counter in wanted if counter.what == "staff"]
        kept = [name for name in old.counted if name.split("#")[1] != "staff"]
    after = [*kept, *(counter.name for counter in wanted)]
    to = [counter for counter in wanted if counter.name not in old.counted]
    off = [name for name in old.counted if name not in after]
    counted = msgspec.structs.replace(new, counted=tuple(after))
    if not to:
        return counted, Recounting(to, off)
    seen = rule_facts.found(new.company_id, schedule, service, staff, customer_id, Contact(), day, {})
    names = {counter.name for counter in to}
    tallies = [t for c, t in zip(seen.counters, seen.tallies, strict=True) if c.name in names]
    return counted, Recounting(to, off, rules.full(tallies))
