"""What changes at Cal.com and no webhook tells: polling finds it, once, in order, and never moves anything back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.jobs import CheckCalComWebhooks, PollCalCom
from chalicelib.booking.provider import cursor_store
from chalicelib.booking.provider import poll as provider_poll
from chalicelib.booking.provider.news import apply_news
from chalicelib.booking.tables import BookingRow
from chalicelib.core.clock import now
from chalicelib.core.errors import Invalid, Unavailable
from chalicelib.core.inbox import PLATFORM
from chalicelib.core.jobs import JobContext
from chalicelib.core.rows import FailedJobRow
from chalicelib.integrations.calcom import news as calcom_news
from chalicelib.integrations.calcom import webhook_subscription
from chalicelib.vendors.calcom.client import connected
from infra.local.demo_practice import Practice
from infra.local.simulators.calcom.simulator import CalComSimulator
from tests.booking.test_changing import COMPANY, booked, call_off, events, move, stored, taken
from tests.calls.conftest import next_monday
from tests.draining import drain

CONTEXT = JobContext("job", 1, False, "cor", PLATFORM, now)


def poll() -> None:
    calcom_news.poll(PollCalCom(company_id=PLATFORM), CONTEXT)
    drain()


def utc(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def there(calcom: CalComSimulator, hour: int, event_type: int = 101, **fields: Any) -> dict[str, Any]:
    """Book at Cal.com itself."""
    attendee = {"name": "Finn Web", "timeZone": "UTC", "phoneNumber": f"+49151999{hour:05}"}
    body = {"eventTypeId": event_type, "start": utc(next_monday(hour)), "attendee": attendee}
    return calcom.bookings.create(body | fields)


def appointments() -> list[Appointment]:
    found = [row.model(Appointment) for row in BookingRow.scan() if row.sk == "appointment"]
    return sorted(found, key=lambda appointment: appointment.starts_at)


def listed(calcom: CalComSimulator) -> int:
    """How often the list was asked for, and bookings one by one."""
    return len([one for one in calcom.requests if one["method"] == "GET"])


def test_a_day_of_changes_without_a_single_webhook(through_calcom: Practice, calcom: CalComSimulator) -> None:
    ours = booked(through_calcom, 9)
    foreign = there(calcom, 11)
    poll()
    assert [a.external_id for a in appointments()] == [ours.external_id, foreign["uid"]]
    _, moved = calcom.bookings.reschedule(foreign["uid"], {"start": utc(next_monday(13))})
    _, again = calcom.bookings.reschedule(moved["uid"], {"start": utc(next_monday(14))})
    calcom.bookings.cancel(str(ours.external_id), {"cancellationReason": "ill"})
    poll()
    cancelled, kept = appointments()
    assert (cancelled.status, cancelled.cancellation_reason) == ("cancelled", "ill")
    assert (kept.external_id, kept.starts_at, kept.status) == (again["uid"], next_monday(14), "confirmed")
    calcom.bookings.mark_absent(
        again["uid"], {"attendees": [{"email": again["attendees"][0]["email"], "absent": True}]}
    )
    poll()
    assert stored(kept).status == "no_show"
    before = appointments()
    poll()
    assert appointments() == before
    assert list(FailedJobRow.scan()) == []


def test_what_is_known_costs_one_request(through_calcom: Practice, calcom: CalComSimulator) -> None:
    made = booked(through_calcom, 9)
    moved = move(made, next_monday(10))
    over = booked(through_calcom, 12, guest=2)
    call_off(over)
    before = listed(calcom)
    poll()
    assert listed(calcom) == before + 1
    assert stored(made) == moved


def test_another_host_and_another_attendee_reach_us(through_calcom: Practice, calcom: CalComSimulator) -> None:
    made = booked(through_calcom, 9)
    theirs = calcom.bookings.all[str(made.external_id)]
    attendees = [{**theirs["attendees"][0], "name": "Eva Stein", "email": "eva@example.com"}]
    calcom.bookings.touch(theirs, attendees=attendees)
    poll()
    found = stored(made)
    assert found.attendee
    assert (found.attendee.name, found.attendee.email) == ("Eva Stein", "eva@example.com")
    assert events().count("booking.AppointmentAttendeesChanged") == 1


def test_a_page_that_breaks_off_is_read_again(through_calcom: Practice, calcom: CalComSimulator) -> None:
    there(calcom, 9)
    poll()
    there(calcom, 10)
    there(calcom, 11)
    seen = cursor_store.find(PLATFORM, "calcom")
    calcom.fault(path="/v2/bookings/*", method="GET", status=500, times=1)
    with pytest.raises(Unavailable):
        poll()
    assert cursor_store.find(PLATFORM, "calcom") == seen
    poll()
    assert len(appointments()) == 3


def test_many_changes_at_one_instant_and_while_paging_are_all_found(
    through_calcom: Practice, calcom: CalComSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.vendors.calcom.client.PAGE_SIZE", 3)
    made = [there(calcom, 8 + n // 2, start=utc(next_monday(9 + n // 2, 30 * (n % 2)))) for n in range(10)]
    for one in made[2:8]:
        one["updatedAt"] = made[5]["updatedAt"]
    real, touched = calcom._list, iter([made[0], made[1]])

    def list_and_change(request: Any) -> Any:
        answer = real(request)
        for one in touched:  # what was on the first page changes again, and the rest moves up
            calcom.bookings.touch(one)
            break
        return answer

    monkeypatch.setattr(calcom, "_list", list_and_change)
    poll()
    assert len(appointments()) == 10


def test_a_booking_that_our_hold_gave_up_is_cancelled_there(through_calcom: Practice, calcom: CalComSimulator) -> None:
    ours = booked(through_calcom, 9)
    metadata = {"company_id": COMPANY, "appointment_id": ours.id, "source": "api"}
    doubled = there(calcom, 15, metadata=metadata)
    poll()
    assert doubled["status"] == "cancelled"
    assert len(appointments()) == 1
    assert taken(through_calcom, ours) == [ours.starts_at]


def test_one_that_cannot_be_applied_does_not_hold_up_the_others(
    through_calcom: Practice, calcom: CalComSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = there(calcom, 9), there(calcom, 10)

    def refuse(context: Any, told: Any) -> str:
        if told.id == bad["uid"]:
            raise Invalid("broken", "as a test")
        return apply_news(context, told)

    monkeypatch.setattr(provider_poll, "apply_news", refuse)
    poll()
    assert [a.external_id for a in appointments()] == [good["uid"]]
    assert [row.queue for row in FailedJobRow.scan()] == ["sync"]


def check() -> None:
    webhook_subscription.check(CheckCalComWebhooks(company_id=PLATFORM), CONTEXT)


def test_a_missing_subscription_is_made_and_a_broken_one_mended(calcom: CalComSimulator) -> None:
    check()
    check()
    (made,) = calcom.webhooks.subscriptions.values()
    assert made.subscriber_url == "http://127.0.0.1:8000/webhooks/calcom"
    assert (made.active, made.secret, set(made.triggers)) == (True, "whsec_test", set(calcom_news.TRIGGERS))
    for broken in ({"active": False}, {"triggers": ["BOOKING_CREATED"]}, {"secret": "other"}):
        calcom.webhooks.change(made.id, broken)
        check()
        (mended,) = calcom.webhooks.subscriptions.values()
        assert mended == made
    calcom.webhooks.remove(made.id)
    check()
    assert len(calcom.webhooks.subscriptions) == 1


def test_nothing_is_asked_where_calcom_is_not_connected(
    calcom: CalComSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CALCOM_API_KEY")
    poll()
    check()
    assert calcom.requests == []


def test_changes_are_read_in_order_from_an_instant(calcom: CalComSimulator) -> None:
    first, second = there(calcom, 9), there(calcom, 10)
    client = connected()
    found, more = client.changed(datetime.fromisoformat(second["updatedAt"]))
    client.close()
    assert ([one.uid for one in found], more) == ([second["uid"]], False)
    assert first["updatedAt"] < second["updatedAt"]
    assert now() - found[0].start < timedelta(0)
