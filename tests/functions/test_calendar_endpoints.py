"""Calendars: a file and feeds that a calendar program can read, and that only who has the address can."""

import icalendar

from infra.local.demo_practice import Practice
from infra.local.invoking import Caller, call
from tests.functions.test_practice_endpoints import _haircut

ME = Caller("com_test")


def test_a_staff_feed_shows_what_is_booked_and_ends_when_another_is_opened(practice: Practice) -> None:
    booked = call("POST", "/api/appointments", caller=ME, body=_haircut(practice)).json
    place = f"/api/staff/{booked['staff_id']}/calendar-feed"
    first, second = (_path(call("POST", place, caller=ME).json["url"]) for _ in range(2))
    assert call("GET", first).status == 404
    feed = call("GET", second)
    assert feed.headers["Content-Type"] == "text/calendar; charset=utf-8"
    (event,) = icalendar.Calendar.from_ical(feed.text).walk("VEVENT")
    assert event["summary"] == "Haircut"
    assert event["location"] == "New York Chelsea"
    assert event.decoded("dtstart").isoformat() == booked["starts_at"].replace("Z", "+00:00")
    assert "+1212" not in feed.text
    assert call("DELETE", place, caller=ME).status == 204
    assert call("GET", second).status == 404


def test_a_customer_feed_and_one_appointment(practice: Practice) -> None:
    booked = call("POST", "/api/appointments", caller=ME, body=_haircut(practice)).json
    file = call("GET", f"/api/appointments/{booked['id']}/calendar", caller=ME)
    (event,) = icalendar.Calendar.from_ical(file.text).walk("VEVENT")
    assert event["uid"] == f"{booked['id']}@pilotpractice"
    assert event["status"] == "CONFIRMED"
    feed = call("POST", f"/api/customers/{booked['customer_id']}/calendar-feed", caller=ME).json["url"]
    assert booked["id"] in call("GET", _path(feed)).text


def _path(url: str) -> str:
    return "/public/" + url.partition("/public/")[2]
