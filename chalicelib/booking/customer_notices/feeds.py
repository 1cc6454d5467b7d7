"""Calendar feeds: a secret address under which a calendar reads someone's appointments, and nobody else does."""

import secrets
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal

import msgspec

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.store import AppointmentFilter
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Staff
from chalicelib.core import directory
from chalicelib.core.directory import Claim, digest_of
from chalicelib.core.errors import NotFound, Stale
from chalicelib.core.settings import settings
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.crm.people import store as people

FEED = "calendar_feed"
"""The kind of directory key under which the digest of a feed's secret leads to whose feed it is."""
PAST, AHEAD = timedelta(days=30), timedelta(days=366)
MOST = 2000
Whose = Literal["staff", "customer"]


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """A new feed's address; it is shown once. Opening another one ends the one before."""

    url: str


def open_feed(new_unit: UnitFactory, company_id: str, whose: Whose, record_id: str) -> Feed:
    """Give someone's appointments a secret address, in place of the one they had; raises NotFound."""
    _check_exists(company_id, whose, record_id)
    secret = secrets.token_urlsafe(32)
    unit = new_unit()
    unit.free_key()
    _end_old(unit, company_id, whose, record_id)
    kept = digest_of(secret)
    directory.claim(unit, Claim(FEED, kept, f"{whose}#{record_id}"), Stale())
    appointment_store.save_feed(unit, whose, record_id, kept)
    unit.audit("calendar_feed.opened", record_id)
    unit.commit()
    return Feed(url=f"{settings().public_url}/public/calendars/{secret}")


def close_feed(new_unit: UnitFactory, company_id: str, whose: Whose, record_id: str) -> None:
    """End someone's feed; nothing when there is none."""
    _check_exists(company_id, whose, record_id)
    unit = new_unit()
    if _end_old(unit, company_id, whose, record_id):
        appointment_store.remove_feed(unit, whose, record_id)
        unit.audit("calendar_feed.closed", record_id)
        unit.commit()


def _end_old(unit: Unit, company_id: str, whose: Whose, record_id: str) -> bool:
    old = appointment_store.find_feed(company_id, whose, record_id)
    if old:
        directory.release(unit, FEED, old)
    return old is not None


def _check_exists(company_id: str, whose: Whose, record_id: str) -> None:
    if whose == "staff":
        practice_store.get(Staff, company_id, record_id)
    elif people.find(company_id, record_id) is None:
        raise NotFound("customer_not_found", f"There is no customer {record_id}.")


def read_feed(secret: str, now: datetime) -> tuple[str, list[Appointment]]:
    """The company and the appointments behind an address, from a month ago to a year ahead; raises NotFound."""
    entry = directory.find(FEED, digest_of(secret), consistent=False)
    if entry is None:
        raise NotFound("feed_not_found", "This calendar does not exist, or no longer.")
    whose, _, record_id = entry.record.partition("#")
    around = AppointmentFilter(
        company_id=entry.company_id, by=whose, record_id=record_id, starts_from=now - PAST, starts_until=now + AHEAD
    )
    shown = (one for one in appointment_store.each_appointment(around) if one.status != "released")
    return entry.company_id, list(islice(shown, MOST))


def names(company_id: str, appointments: list[Appointment]) -> tuple[dict[str, str], dict[str, str]]:
    """The names of the services and of the branches that occur, by their ids."""
    branches = sorted({appointment.branch_id for appointment in appointments})
    schedules = practice_store.schedules(company_id, branches)
    titles = {service.id: service.name for one in schedules.values() for service in one.services}
    return titles, {branch_id: one.branch.name for branch_id, one in schedules.items()}
