"""A branch in Berlin, its haircut and two who cut, for rules that look at nothing else."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.practice.hours import Window
from chalicelib.booking.practice.models import Branch, Service, Staff
from chalicelib.booking.practice.policy import Policy
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules.facts import RuleFacts
from chalicelib.booking.rules.limits import Counter
from chalicelib.booking.rules.rules import LimitUsage, RuleInput

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TEN = datetime(2026, 11, 23, 9, tzinfo=UTC)
"""Monday, 10:00 in Berlin."""
MONDAY = date(2026, 11, 23)
CUT = Service(id="svc_cut", company_id="com", number=1, name="Cut", duration_min=30)
TALK = Service(id="svc_talk", company_id="com", number=2, name="Talk", duration_min=15)
WORKDAYS = tuple(Window(day, 9 * 60, 17 * 60) for day in range(5))
BRANCH = Branch(
    id="bra",
    company_id="com",
    name="Mitte",
    zone="Europe/Berlin",
    hours=tuple(Window(day, 8 * 60, 20 * 60) for day in range(5)),
)
ADA, BEN = (
    Staff(id=one, company_id="com", name=one, home_branch_id="bra", hours={"bra": WORKDAYS}, service_ids=("svc_cut",))
    for one in ("ada", "ben")
)


def salon(service: Service = CUT, **branch: Any) -> Schedule:
    """The branch, in which something differs, with its haircut as given and a talk."""
    return Schedule(branch=replace(BRANCH, **branch), services=(service, TALK), staff=(ADA, BEN))


def booking(starts_at: datetime = TEN, minutes: int = 30, service: Service = CUT, **fields: Any) -> RuleInput:
    """A haircut with either of them, to which no rule objects unless something differs; asked for at `NOW`."""
    known: dict[str, Any] = {"now": NOW, "schedule": salon(service), "policy": Policy(), "staff": (ADA, BEN)}
    known |= {"starts_at": starts_at, "ends_at": starts_at + timedelta(minutes=minutes), "service": service}
    return RuleInput(**(known | fields))


def usage(what: str, booked: int, most: int = 2, record_id: str = "rec") -> LimitUsage:
    """How full a limit by day is."""
    return LimitUsage(what, record_id, f"day#{MONDAY}", booked, most)


def facts(*owners: tuple[str, str, int]) -> RuleFacts:
    """Facts with one limit of 2 for each owner: what, whose, how many are booked."""
    counters = {Counter(what, record_id, what, f"day#{MONDAY}", 2): booked for what, record_id, booked in owners}
    return RuleFacts(usages={counter: counter.usage(booked) for counter, booked in counters.items()})


def appointment(**fields: Any) -> Appointment:
    """A haircut with Ada on Monday at ten, confirmed."""
    made = Appointment(
        id="apt_1",
        company_id="com",
        branch_id="bra",
        service_id="svc_cut",
        staff_id="ada",
        customer_id="cus_1",
        starts_at=TEN,
        ends_at=TEN + timedelta(minutes=30),
        status="confirmed",
        source="api",
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(made, **fields)
