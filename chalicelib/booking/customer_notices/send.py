"""The mails to customers about their appointments, with the appointment as a calendar file, and asking for reviews.

A provider that mails customers itself does so alone. Nobody is mailed about what is over and done.
"""

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import OVER, Appointment, Attendee
from chalicelib.booking.appointments.external import find_provider
from chalicelib.booking.customer_notices.recipients import CustomerNews, news_for
from chalicelib.booking.customer_notices.templates import NoticeText, notice, review_notice
from chalicelib.booking.jobs import AskForReview, MailCustomer
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Branch
from chalicelib.booking.practice.policy import Policy, resolved
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.reviews import submit as review_submit
from chalicelib.core import mail
from chalicelib.core.clock import epoch
from chalicelib.core.jobs import CannotSucceed, JobContext, Postpone
from chalicelib.core.settings import settings
from chalicelib.crm.people import store as people
from chalicelib.identity import guard_store

REMEMBERED = timedelta(days=14)
"""As long as a message may lie on a dead-letter queue and be put back."""
FRESH = timedelta(days=14)
"""Visits that ended longer ago are not asked about, whenever they are marked as completed."""
AT_ONCE = 100
"""So many are mailed by one run of a job."""


class Addressed(msgspec.Struct, frozen=True):
    """Whom a mail goes to."""

    name: str
    email: str


def mail_customer(job: MailCustomer, context: JobContext) -> None:
    """Tell the customer, or whoever takes part, what happened, by how it stands now.

    At least once each; a repeat of the job mails nothing. An address that is refused keeps nobody else's mail back.
    """
    found = news_for(job, context.clock())
    schedule = _schedule(found[0].about[0]) if found else None
    if schedule is None or _others_mail(schedule.branch):
        return
    if not _policy(schedule, found[0].about[0]).mails_customers:
        return
    mailed, refused = 0, None
    for news in found:
        if mailed == AT_ONCE:
            raise Postpone(1, "there are more to be told")
        try:
            mailed += _mail(news, schedule, context)
        except CannotSucceed as error:
            refused = error
    if refused:
        raise refused


def _mail(news: CustomerNews, schedule: Schedule, context: JobContext) -> bool:
    name, company_id = f"{context.id}{news.mark}", news.about[0].company_id
    if guard_store.has_mailed(company_id, name):
        return False
    to = _addressed(company_id, news.customer_id, news.attendee)
    if to is None:
        return False
    text = notice(news.news, schedule.branch.language, _notice_text(news.about, schedule, to))
    mail.send([to.email], text.subject, text.text, _calendar_files(news, schedule, to))
    _remember(context, name, REMEMBERED)
    return True


def ask_for_review(job: AskForReview, context: JobContext) -> None:
    """Mail the customer of a completed visit the link to review it, where the practice asks for reviews; once a visit.

    At least once: a crash between mailing and marking mails a second link, for the same one review.
    """
    name = f"review:{job.appointment_id}"
    if guard_store.has_mailed(job.company_id, name):
        return
    visit = appointment_store.get_appointment(job.company_id, job.appointment_id)
    if visit.status != "completed" or visit.ends_at < context.clock() - FRESH:
        return
    schedule = _schedule(visit)
    if schedule is None or not _policy(schedule, visit).asks_for_reviews:
        return
    to = _addressed(visit.company_id, visit.customer_id, visit.attendee)
    if to is None:
        return
    link = review_submit.invite(context.unit, job.company_id, visit.id, context.clock)
    text = review_notice(schedule.branch.language, to.name, schedule.branch.name, link.url)
    mail.send([to.email], text.subject, text.text)
    _remember(context, name, review_submit.GOOD_FOR)


def _remember(context: JobContext, name: str, remembered: timedelta) -> None:
    unit = context.unit()
    guard_store.mark_mailed(unit, name, epoch(context.clock() + remembered))
    unit.commit()


def _schedule(appointment: Appointment) -> Schedule | None:
    return practice_store.schedules(appointment.company_id, [appointment.branch_id]).get(appointment.branch_id)


def _policy(schedule: Schedule, appointment: Appointment) -> Policy:
    service = schedule.find_service(appointment.sold_as)
    return schedule.policy(service) if service else resolved(schedule.branch.policy)


def _addressed(company_id: str, customer_id: str, attendee: Attendee | None) -> Addressed | None:
    if attendee and attendee.email:
        return Addressed(attendee.name, attendee.email)
    customer = people.find(company_id, customer_id)
    return Addressed(customer.name, customer.email) if customer and customer.email else None


def _notice_text(about: Sequence[Appointment], schedule: Schedule, to: Addressed) -> NoticeText:
    branch, first = schedule.branch, about[0]
    service = schedule.find_service(first.sold_as)
    return NoticeText(
        name=to.name,
        branch=branch.name,
        service=service.name if service else "",
        starts_at=first.starts_at,
        # A package is one visit, whatever it consists of.
        then=() if first.package else tuple(one.starts_at for one in about[1:]),
        zone=branch.clock(),
        address=branch.place.address if branch.place else "",
        phone=branch.phone,
        fee_minor=sum(one.fee_minor for one in about),
        deposit_minor=sum(_unpaid(one) for one in about),
        currency=first.currency,
    )


def _unpaid(appointment: Appointment) -> int:
    return max(0, appointment.deposit_due_minor - appointment.deposit_minor) if appointment.status == "requested" else 0


def _calendar_files(news: CustomerNews, schedule: Schedule, to: Addressed) -> list[mail.Attached]:
    """One file for each appointment, as an invitation is about one; of a series, all in one that is none."""
    if news.about[0].series_id and len(news.about) > 1:
        return [_series_file(news.about, schedule)]
    old = news.replaces
    found = [_calendar_file(one, schedule, to) for one in news.about]
    return [*found, _calendar_file(old, schedule, to)] if old else found


def _calendar_file(appointment: Appointment, schedule: Schedule, to: Addressed) -> mail.Attached:
    # Imported here: whoever is not mailed needs no iCalendar.
    from chalicelib.booking.customer_notices.ics import Invited, invitation

    method = "CANCEL" if appointment.status in OVER else "REQUEST"
    who = Invited(by=schedule.branch.name, by_email=_sender(), name=to.name, email=to.email)
    content = invitation(appointment, _title(appointment, schedule), _place(schedule), method, who)
    return mail.Attached("appointment.ics", f"text/calendar; charset=utf-8; method={method}", content)


def _series_file(about: Sequence[Appointment], schedule: Schedule) -> mail.Attached:
    from chalicelib.booking.customer_notices.ics import publication

    content = publication(about, _title(about[0], schedule), _place(schedule), schedule.branch.name, _sender())
    return mail.Attached("appointments.ics", "text/calendar; charset=utf-8; method=PUBLISH", content)


def _title(appointment: Appointment, schedule: Schedule) -> str:
    service = schedule.find_service(appointment.service_id)
    return service.name if service else schedule.branch.name


def _place(schedule: Schedule) -> str:
    address = schedule.branch.place.address if schedule.branch.place else ""
    return ", ".join(part for part in (schedule.branch.name, address) if part)


def _sender() -> str:
    """The address in `PilotPractice <no-reply@example.com>`."""
    return settings().mail_from.rpartition("<")[2].rstrip(">").strip()


def _others_mail(branch: Branch) -> bool:
    return branch.provider is not None and find_provider(branch.provider).mails_customers
