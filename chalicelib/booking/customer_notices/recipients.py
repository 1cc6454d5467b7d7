"""Who is told what when something happened to an appointment: one mail for a package, one for a series when it is
booked, one for everybody who takes part in a group.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from chalicelib.booking.appointments import package_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import OVER, Appointment, Attendee
from chalicelib.booking.appointments.group import MERGED, Participant
from chalicelib.booking.appointments.package import Together
from chalicelib.booking.jobs import MailCustomer, News
from chalicelib.booking.series import store as series_store
from chalicelib.booking.series.series import SERIES_FAILED
from chalicelib.core.jobs import Postpone

STANDS = frozenset({"requested", "confirmed"})
AGAIN_SECONDS = 15


class CustomerNews(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer is told of: appointments in order. `mark`: tells them from others whom the same job tells.

    `attendee`: what was said of who comes when it was booked. `replaces`: what their calendar is to forget.
    """

    news: News
    about: tuple[Appointment, ...]
    customer_id: str
    attendee: Attendee | None = None
    mark: str = ""
    replaces: Appointment | None = None


def news_for(job: MailCustomer, now: datetime) -> list[CustomerNews]:
    """Whom to tell what, by how it stands now; raises Postpone while a series is not booked as a whole."""
    current = appointment_store.get_appointment(job.company_id, job.appointment_id)
    if current.external_id or current.cancellation_reason == SERIES_FAILED:  # nobody was told that it stood
        return []
    if current.group:
        return _of_group(job, current, now)
    if current.package:
        return _of_package(job.news, package_store.get(job.company_id, current.package.id), current, now)
    if current.series_id and job.news == "booked":
        return _of_series(current.series_id, current, now)
    news = news_now(job.news, current, now)
    return [_news_of(news, (current,))] if news else []


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


def _news_of(news: News, about: Sequence[Appointment]) -> CustomerNews:
    return CustomerNews(news=news, about=tuple(about), customer_id=about[0].customer_id, attendee=about[0].attendee)


def _of_package(news: News, package: Together, current: Appointment, now: datetime) -> list[CustomerNews]:
    # Its parts are booked, moved and ended together: the first one's event tells of all.
    what = news_now(news, current, now) if current.id == package.package.appointment_ids[0] else None
    return [_news_of(what, package.parts)] if what else []


def _of_series(series_id: str, current: Appointment, now: datetime) -> list[CustomerNews]:
    series = series_store.get_series(current.company_id, series_id)
    ids = series.appointment_ids()
    # They are made in order, so what comes before one that is made is settled.
    if series.status == "failed" or current.id != ids[0]:
        return []
    if series.status != "booked":
        raise Postpone(AGAIN_SECONDS, "the series is being booked")
    made = appointment_store.appointments_of(dict.fromkeys(ids, series.company_id))
    found = [made[one] for one in ids if one in made]
    upcoming = [one for one in found if one.status in STANDS and one.starts_at > now]
    if not upcoming:
        return []
    return [_news_of("requested" if upcoming[0].status == "requested" else "booked", upcoming)]


def _of_group(job: MailCustomer, current: Appointment, now: datetime) -> list[CustomerNews]:
    assert current.group
    if not job.customer_id:
        # Who opens it is told because they join it; who became part of another group hears of that one.
        news = None if job.news == "booked" else news_now(job.news, current, now)
        if news is None or current.cancellation_reason == MERGED:
            return []
        return [_to_participant(news, current, one) for one in current.group.participants]
    who = current.group.of(job.customer_id)
    if job.news == "cancelled":
        return [] if who else _left(current, job.customer_id, now)
    news = news_now(job.news, current, now) if who else None
    if who is None or news is None:
        return []
    before = appointment_store.find_appointment(job.company_id, job.moved_from) if job.moved_from else None
    return [_to_participant(news, current, who, before)]


def _to_participant(
    news: News, group: Appointment, who: Participant, replaces: Appointment | None = None
) -> CustomerNews:
    attendee = Attendee(name=who.name, email=who.email) if who.email else None
    # The practice ends a group, not who takes part; a deposit is asked of who opened it.
    deposit = group.deposit_due_minor if who.customer_id == group.customer_id else 0
    mine = msgspec.structs.replace(group.seen_by(who.customer_id), fee_minor=0, deposit_due_minor=deposit)
    return CustomerNews(
        news=news,
        about=(mine,),
        customer_id=who.customer_id,
        attendee=attendee,
        mark=f"#{who.id}",
        replaces=replaces,
    )


def _left(group: Appointment, customer_id: str, now: datetime) -> list[CustomerNews]:
    # For them it is over, however it stands.
    over = msgspec.structs.replace(group.seen_by(customer_id), status="cancelled", fee_minor=0)
    if group.starts_at <= now:
        return []
    return [CustomerNews(news="cancelled", about=(over,), customer_id=customer_id)]
