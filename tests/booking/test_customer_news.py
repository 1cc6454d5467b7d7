"""Who is mailed what of packages, series and groups: one mail for what was booked as one, one for each participant."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar
from msgspec.structs import replace

from chalicelib.booking.customer_notices.recipients import news_for
from chalicelib.booking.customer_notices.templates import MOST_TIMES, NoticeText, notice
from chalicelib.booking.groups import minimum
from chalicelib.booking.jobs import MailCustomer
from chalicelib.booking.practice.policy import Cancellation, GroupPolicy, Policy
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.booking.series import store as series_store
from chalicelib.core.clock import now
from chalicelib.core.jobs import Postpone
from chalicelib.core.relay import publish
from chalicelib.core.rows import OutboxRow
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, Caller, call
from tests.booking.spa import open_spa
from tests.booking.test_customer_mails import EVE, Post, post
from tests.calls.conftest import BERLIN, next_monday
from tests.conftest import EmbeddedAws
from tests.functions.test_package_endpoints import at, book

__all__ = ["post"]
ME = Caller("com_test")


def files(notice: dict[str, Any]) -> list[tuple[str, list[Any]]]:
    """The method of each file, and its events."""
    found = [Calendar.from_ical(file["RawContent"]) for file in notice["files"]]
    return [(str(one["METHOD"]), one.walk("VEVENT")) for one in found]


def posted(path: str, **body: Any) -> Any:
    answer = call("POST", path, caller=ME, body=body)
    assert answer.status < 300, answer
    return answer.json


def again() -> None:
    publish([row for row in OutboxRow.scan() if row.type.startswith("booking.")])


def test_a_package_is_one_mail_with_a_file_for_each_part(aws: EmbeddedAws, post: Post) -> None:
    late = Cancellation(notice_min=525_600, fee_minor=2000)
    practice = open_spa(package={"policy": Policy(cancellation=late)})
    made = book(practice, at(10), customer={"name": "Eve Stone", "email": EVE}).json
    (first,) = post.letters()
    assert "Makeover" in first["text"]
    parts = made["package"]["parts"]
    found = files(first)
    assert [method for method, _ in found] == ["REQUEST", "REQUEST"]
    assert [str(events[0]["UID"]) for _, events in found] == [f"{part['id']}@pilotpractice" for part in parts]
    place = f"/api/packages/{made['package']['id']}"
    posted(f"{place}/reschedule", starts_at=at(12))
    (second,) = post.letters()
    assert "has been moved" in second["text"]
    assert [events[0]["SEQUENCE"] for _, events in files(second)] == [1, 1]
    posted(f"{place}/cancel")
    (third,) = post.letters()
    assert [method for method, _ in files(third)] == ["CANCEL", "CANCEL"]
    assert third["text"].count("20.00 EUR") == 1
    again()
    assert post.letters() == []


def test_a_package_that_waits_says_its_deposit_and_that_it_is_confirmed(aws: EmbeddedAws, post: Post) -> None:
    practice = open_spa(package={"policy": Policy(deposit_minor=5000)})
    made = book(practice, at(10), "/public/appointments", customer={"name": "Eve", "email": EVE}).json
    (asked,) = post.letters()
    assert "deposit of 50.00 EUR" in asked["text"]
    posted(f"/api/packages/{made['package']['id']}/confirm", deposit_minor=5000)
    (told,) = post.letters()
    assert told["subject"].endswith("is confirmed")


def series(practice: Practice, count: int, **fields: Any) -> Answer:
    body = {
        "branch_id": practice.branches[0].id,
        "service": "Consultation",
        "starts_at": next_monday(10).isoformat(),
        "recurrence": {"frequency": "weekly", "count": count},
        "staff": "Ada Keller",
        "customer": {"name": "Eve Stone", "email": EVE},
    }
    answer = call("POST", "/api/series", caller=ME, body=body | fields)
    assert answer.status == 201, answer
    return answer


def test_a_series_is_one_mail_with_all_its_times(practice: Practice, post: Post) -> None:
    made = series(practice, 3).json
    (told,) = post.letters()
    ids = [one["appointment_id"] for one in made["occurrences"]]
    ((method, events),) = files(told)
    assert (method, [str(one["UID"]) for one in events]) == ("PUBLISH", [f"{one}@pilotpractice" for one in ids])
    assert "ATTENDEE" not in events[0]
    for week in range(3):
        day = (next_monday(10).date() + timedelta(weeks=week)).isoformat()
        assert f"Monday, {day} at 10:00" in told["text"]
    again()
    assert post.letters() == []
    posted(f"/api/appointments/{ids[1]}/cancel")
    (gone,) = post.letters()
    assert [(method, str(events[0]["UID"])) for method, events in files(gone)] == [
        ("CANCEL", f"{ids[1]}@pilotpractice")
    ]


def test_a_series_is_told_of_once_it_is_booked_and_not_when_it_failed(practice: Practice, post: Post) -> None:
    made = series(practice, 2).json
    post.letters()
    ids = [one["appointment_id"] for one in made["occurrences"]]
    job = MailCustomer(company_id="com_test", appointment_id=ids[0], news="booked")
    (told,) = news_for(job, now())
    assert [one.id for one in told.about] == ids
    assert news_for(replace(job, appointment_id=ids[1]), now()) == []
    posted(f"/api/appointments/{ids[0]}/cancel")
    (told,) = news_for(job, now())
    assert [one.id for one in told.about] == ids[1:]
    found = series_store.get_series("com_test", made["id"])
    for status in ("booking", "failed"):
        found = found.changed(now(), status=status)
        unit = Unit("com_test")
        series_store.save_series(unit, found)
        unit.commit()
        if status == "booking":
            with pytest.raises(Postpone):
                news_for(job, now())
        else:
            assert news_for(job, now()) == []


def test_a_long_series_says_how_many_more() -> None:
    start = datetime(2026, 11, 23, 9, tzinfo=UTC)
    weeks = tuple(start + timedelta(weeks=week) for week in range(52))
    told = NoticeText(name="", branch="Nord", service="Massage", starts_at=weeks[0], then=weeks[1:], zone=BERLIN)
    said = notice("booked", "en", told).text
    assert said.count("Monday, ") == MOST_TIMES
    assert "and 40 more: all of them are in the attached calendar file." in said


def open_groups(practice: Practice, **policy: Any) -> None:
    """Consultations in Berlin are for three, and two at least."""
    services = [
        replace(practice.services[0], references=(), seats=3, least_seats=2, policy=Policy(**policy)),
        *practice.services[1:],
    ]
    save_practice(lambda: Unit("com_test"), practice.branches, services, practice.staff)


def guest(practice: Practice, number: int, hour: int = 10) -> Any:
    return posted(
        "/api/appointments",
        branch_id=practice.branches[0].id,
        service="Consultation",
        starts_at=next_monday(hour).isoformat(),
        staff="Ada Keller",
        customer={"name": f"Guest {number}", "email": f"guest{number}@example.com"},
    )


def told_to(letters: list[dict[str, Any]]) -> list[str]:
    return sorted(to for one in letters for to in one["to"])


def test_everyone_in_a_group_is_told_once(practice: Practice, post: Post) -> None:
    open_groups(practice, cancellation=Cancellation(notice_min=525_600, fee_minor=2000))
    made = guest(practice, 1)
    assert told_to(post.letters()) == ["guest1@example.com"]
    guest(practice, 2)
    (joined,) = post.letters()
    assert (joined["to"], joined["subject"]) == (["guest2@example.com"], "Your appointment at Berlin Mitte")
    ((method, (event,)),) = files(joined)
    assert (method, str(event["ATTENDEE"])) == ("REQUEST", "mailto:guest2@example.com")
    place = f"/api/appointments/{made['id']}"
    guest(practice, 3)
    post.letters()
    third = call("GET", f"{place}/participants", caller=ME).json["data"][2]["id"]
    left = call("DELETE", f"{place}/participants/{third}", caller=ME)
    assert left.status < 300, left
    (gone,) = post.letters()
    assert (gone["to"], files(gone)[0][0]) == (["guest3@example.com"], "CANCEL")
    posted(f"{place}/reschedule", starts_at=next_monday(14).isoformat())
    both = ["guest1@example.com", "guest2@example.com"]
    assert told_to(post.letters()) == both
    posted(f"{place}/cancel", reason="Ill")
    ended = post.letters()
    assert told_to(ended) == both
    assert all("is cancelled" in one["subject"] and "20.00" not in one["text"] for one in ended)
    again()
    assert post.letters() == []


def test_who_is_moved_by_a_merge_hears_of_the_new_time_alone(practice: Practice, post: Post) -> None:
    open_groups(practice, group=GroupPolicy(deadline_min=60, below="merge"))
    small, large = guest(practice, 1), guest(practice, 2, hour=12)
    post.letters()
    late = next_monday(10) - timedelta(minutes=30)
    assert minimum.check_minimum(lambda: Unit("com_test"), "com_test", small["id"], lambda: late)
    (told,) = post.letters()
    assert (told["to"], "12:00" in told["text"]) == (["guest1@example.com"], True)
    assert "has been moved" in told["subject"]
    assert [(method, str(events[0]["UID"])) for method, events in files(told)] == [
        ("REQUEST", f"{large['id']}@pilotpractice"),
        ("CANCEL", f"{small['id']}@pilotpractice"),
    ]
