"""Packages and single services want the same staff and chairs: nothing overlaps, no part is without the others."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from chalicelib.booking.appointments import package_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import TAKES_TIME, Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.package import FirstPart
from chalicelib.booking.appointments.store import AppointmentFilter
from chalicelib.booking.calendar.owner import CalendarOwner
from chalicelib.booking.packages.change import Change, cancel
from chalicelib.booking.packages.reschedule import reschedule
from chalicelib.booking.practice.policy import Limits, Policy
from chalicelib.booking.rules import limit_store
from chalicelib.booking.rules.reschedule_rules import Move
from chalicelib.core.errors import DomainError
from chalicelib.core.tables import fetch
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from infra.local.demo_practice import Practice
from tests.booking.calendars import read_calendar
from tests.booking.spa import NOW, QUARTER, TEN, booked, clock, new_unit, open_spa
from tests.conftest import EmbeddedAws
from tests.sizes import ROUNDS

THREADS = 16
COMPANY = "com_race"
MOST = 20


def changing() -> ChangeContext[Any]:
    return ChangeContext(_begin, COMPANY, clock)


def _begin() -> Unit:
    return new_unit(COMPANY)


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_packages_among_others_are_all_there_or_not_at_all(aws: EmbeddedAws, round_number: int) -> None:
    limits = Policy(service_limits=Limits(per_day=MOST), staff_limits=Limits(per_day=MOST))
    practice = open_spa(COMPANY, chairs=2, package={"policy": limits})
    rng = random.Random(round_number)
    plans = [
        (rng.choice([*["Makeover"] * 4, "Haircut", "Consultation"]), rng.randrange(20), rng.randrange(20))
        for _ in range(THREADS)
    ]
    gate = Barrier(THREADS)

    def one(number: int) -> Any:
        gate.wait()
        service, first, then = plans[number]
        contact = Contact(name=f"Guest {number}", phone=f"+4915100000{number:03}")
        try:
            made = booked(practice, TEN + first * QUARTER, service=service, contact=contact)
            if isinstance(made, FirstPart) and made.package and number % 4 == 0:
                cancel(changing(), made.package.id, Change())
            elif isinstance(made, FirstPart) and made.package and number % 4 == 1:
                reschedule(changing(), made.package.id, Move(starts_at=TEN + then * QUARTER))
        except DomainError as error:
            return error.code
        return "done"

    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = list(pool.map(one, range(THREADS)))
    assert set(outcomes) <= {"done", "slot_taken", "not_bookable"}, outcomes
    everything = _all_appointments()
    assert everything
    _whole(everything)
    active = [one for one in everything if one.status in TAKES_TIME]
    _the_calendars_hold_exactly(practice, active)
    names = [name for one in active for name in one.counted]
    for name in {name for one in everything for name in one.counted}:
        assert limit_store.counted(fetch([limit_store.counter_key(COMPANY, name)])[0]) == names.count(name)


def _all_appointments() -> list[Appointment]:
    found = appointment_store.each_appointment(AppointmentFilter(company_id=COMPANY))
    return [appointment_store.get_appointment(COMPANY, one.id) for one in found]


def _whole(everything: list[Appointment]) -> None:
    """Every package is there with all of its parts, which follow each other and stand or not together."""
    by_package: dict[str, set[str]] = {}
    for one in everything:
        if one.package:
            by_package.setdefault(one.package.id, set()).add(one.id)
    for package_id, ids in by_package.items():
        found = package_store.get(COMPANY, package_id)
        assert set(found.package.appointment_ids) == ids
        assert len({part.status for part in found.parts}) == 1
        cut, talk = found.parts
        assert cut.ends_at <= talk.starts_at <= cut.ends_at + timedelta(minutes=30)


def _the_calendars_hold_exactly(practice: Practice, active: list[Appointment]) -> None:
    mine: dict[tuple[str, str], list[Appointment]] = {}
    for one in active:
        mine.setdefault((str(one.home_branch_id), str(one.staff_id)), []).append(one)
        for room in one.resource_ids:
            mine.setdefault((one.branch_id, room), []).append(one)
    owners = {(member.home_branch_id, member.id) for member in practice.staff} | mine.keys()
    for home, record_id in owners:
        held = read_calendar(CalendarOwner(COMPANY, home, record_id), *_around(active)).entries()
        expected = [one.entry() for one in mine.get((home, record_id), [])]
        assert sorted(entry.reference for entry in held) == sorted(entry.reference for entry in expected)
        assert sorted(entry.start for entry in held) == sorted(entry.start for entry in expected)
        assert not any(a.clashes(b, NOW) for n, a in enumerate(expected) for b in expected[:n])


def _around(active: list[Appointment]) -> list[Any]:
    return [one.entry() for one in active]
