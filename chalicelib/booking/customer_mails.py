"""The mails to customers about their appointments, with the appointment as a calendar file, and asking for reviews.

Where a branch books through Cal.com, Cal.com mails its own. Nobody is mailed about what is over and done.
"""

from datetime import datetime, timedelta

import msgspec

from chalicelib.booking import practice_store, reviewing, store
from chalicelib.booking.appointment import OVER, Appointment
from chalicelib.booking.customer_letters import Letter, News, Told, letter, review_letter
from chalicelib.booking.jobs import AskForReview, MailCustomer
from chalicelib.booking.policy import Policy, resolved
from chalicelib.booking.schedule import Schedule
from chalicelib.core import mail
from chalicelib.core.clock import epoch
from chalicelib.core.jobs import JobContext
from chalicelib.core.settings import settings
from chalicelib.crm import store as crm
from chalicelib.identity import guard_store

REMEMBERED = timedelta(days=14)
"""As long as a message may lie on a dead-letter queue and be put back."""
FRESH = timedelta(days=14)
"""Visits that ended longer ago are not asked about, whenever they are marked as completed."""
STANDS = frozenset({"requested", "confirmed"})


class Addressed(msgspec.Struct, frozen=True):
    """Whom a mail goes to."""

    name: str
    email: str


def mail_customer(job: MailCustomer, context: JobContext) -> None:
    """Tell the customer what happened, by how it stands now; at least once, a repeat of the job mails nothing."""
    if guard_store.has_mailed(job.company_id, context.id):
        return
    current = store.get_appointment(job.company_id, job.appointment_id)
    news = news_now(job.news, current, context.clock())
    schedule = _schedule(current)
    if news is None or schedule is None or schedule.branch.books_through == "calcom" or current.external_id:
        return
    to = _addressed(current) if _policy(schedule, current).mails_customers else None
    if to is None:
        return
    what = letter(news, schedule.branch.language, _told(current, schedule, to))
    _send(context, context.id, to, what, [_calendar_file(current, schedule, to)], REMEMBERED)


def ask_for_review(job: AskForReview, context: JobContext) -> None:
    """Mail the customer of a completed visit the link to review it, where the practice asks for reviews; once a visit.

    At least once: a crash between mailing and marking mails a second link, for the same one review.
    """
    name = f"review:{job.appointment_id}"
    if guard_store.has_mailed(job.company_id, name):
        return
    visit = store.get_appointment(job.company_id, job.appointment_id)
    if visit.status != "completed" or visit.ends_at < context.clock() - FRESH:
        return
    schedule = _schedule(visit)
    to = _addressed(visit) if schedule and _policy(schedule, visit).asks_for_reviews else None
    if schedule is None or to is None:
        return
    link = reviewing.invite(context.unit, job.company_id, visit.id, context.clock)
    what = review_letter(schedule.branch.language, to.name, schedule.branch.name, link.url)
    _send(context, name, to, what, [], reviewing.GOOD_FOR)


def news_now(news: News, current: Appointment, now: datetime) -> News | None:
    """What there is to tell by how the appointment stands: events come late, and another one may have followed."""
    if current.starts_at <= now:
        return None
    if news in ("cancelled", "declined"):
        ended: News | None = "declined" if current.status == "declined" else "cancelled"
        return ended if current.status in OVER else None
    if current.status not in STANDS:
        return None
    return "requested" if news == "booked" and current.status == "requested" else news


def _schedule(appointment: Appointment) -> Schedule | None:
    return practice_store.schedules(appointment.company_id, [appointment.branch_id]).get(appointment.branch_id)


def _policy(schedule: Schedule, appointment: Appointment) -> Policy:
    service = schedule.find_service(appointment.service_id)
    return schedule.policy(service) if service else resolved(schedule.branch.policy)


def _addressed(appointment: Appointment) -> Addressed | None:
    attendee = appointment.attendee
    if attendee and attendee.email:
        return Addressed(attendee.name, attendee.email)
    customer = crm.find_customer(appointment.company_id, appointment.customer_id)
    return Addressed(customer.name, customer.email) if customer and customer.email else None


def _told(appointment: Appointment, schedule: Schedule, to: Addressed) -> Told:
    branch, service = schedule.branch, schedule.find_service(appointment.service_id)
    return Told(
        name=to.name,
        branch=branch.name,
        service=service.name if service else "",
        starts_at=appointment.starts_at,
        zone=branch.clock(),
        address=branch.place.address if branch.place else "",
        phone=branch.phone,
        fee_minor=appointment.fee_minor,
        deposit_minor=_unpaid(appointment),
        currency=appointment.currency,
    )


def _unpaid(appointment: Appointment) -> int:
    return max(0, appointment.deposit_due_minor - appointment.deposit_minor) if appointment.status == "requested" else 0


def _calendar_file(appointment: Appointment, schedule: Schedule, to: Addressed) -> mail.Attached:
    # Imported here: whoever is not mailed needs no iCalendar.
    from chalicelib.booking.ics import Invited, invitation

    service = schedule.find_service(appointment.service_id)
    method = "CANCEL" if appointment.status in OVER else "REQUEST"
    place = ", ".join(part for part in (schedule.branch.name, _address(schedule)) if part)
    who = Invited(by=schedule.branch.name, by_email=_sender(), name=to.name, email=to.email)
    content = invitation(appointment, service.name if service else schedule.branch.name, place, method, who)
    return mail.Attached("appointment.ics", f"text/calendar; charset=utf-8; method={method}", content)


def _address(schedule: Schedule) -> str:
    return schedule.branch.place.address if schedule.branch.place else ""


def _sender() -> str:
    """The address in `PilotPractice <no-reply@example.com>`."""
    return settings().mail_from.rpartition("<")[2].rstrip(">").strip()


def _send(
    context: JobContext, name: str, to: Addressed, what: Letter, files: list[mail.Attached], remembered: timedelta
) -> None:
    mail.send([to.email], what.subject, what.text, files)
    unit = context.unit()
    guard_store.mark_mailed(unit, name, epoch(context.clock() + remembered))
    unit.commit()
