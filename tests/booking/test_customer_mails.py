"""What customers are mailed about their appointments: once each, in the branch's language, with a calendar file."""

from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any

import pytest
import time_machine
from icalendar import Calendar
from msgspec.structs import replace

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.customer_notices import recipients
from chalicelib.booking.customer_notices.templates import WORDINGS, NoticeText, notice, review_notice
from chalicelib.booking.practice.policy import Cancellation, Policy
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.core import aws as aws_clients
from chalicelib.core.clock import now
from chalicelib.core.relay import publish
from chalicelib.core.rows import OutboxRow
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice
from infra.local.invoking import Caller, call
from tests.calls.conftest import BERLIN, next_monday
from tests.conftest import EmbeddedAws
from tests.draining import drain

ME = Caller("com_test")
EVE = "eve@example.com"


class Post:
    """The mails as they went to SES, which keeps of the embedded one's no attachments."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def __call__(self, params: dict[str, Any], **_: Any) -> None:
        self.sent.append(params)

    def letters(self) -> list[dict[str, Any]]:
        """Subject, text and files of what was sent since the last look, after all work is done."""
        drain()
        found, self.sent = self.sent, []
        return [
            {
                "to": one["Destination"]["ToAddresses"],
                "subject": (message := one["Content"]["Simple"])["Subject"]["Data"],
                "text": message["Body"]["Text"]["Data"],
                "files": message.get("Attachments", []),
            }
            for one in found
        ]


@pytest.fixture
def post(aws: EmbeddedAws) -> Iterator[Post]:
    taken = Post()
    events = aws_clients.client("sesv2").meta.events
    events.register("provide-client-params.sesv2.SendEmail", taken)
    yield taken
    events.unregister("provide-client-params.sesv2.SendEmail", taken)


def settled(practice: Practice, language: str = "en", **policy: Any) -> None:
    """Berlin speaks a language and has a policy."""
    berlin = replace(practice.branches[0], language=language, policy=Policy(**policy))
    save_practice(lambda: Unit("com_test"), (berlin, practice.branches[1]), practice.services, practice.staff)


def booked(practice: Practice, email: str | None = EVE, hour: int = 10) -> str:
    body = {
        "branch_id": practice.branches[0].id,
        "service": "Consultation",
        "starts_at": next_monday(hour).isoformat(),
        "staff": "Ada Keller",
        "customer": {"name": "Eve Stone", "phone": "+4915112345678"} | ({"email": email} if email else {}),
    }
    made = call("POST", "/api/appointments", caller=ME, body=body)
    assert made.status == 201, made
    return str(made.json["id"])


def change(appointment_id: str, what: str, **body: Any) -> None:
    answer = call("POST", f"/api/appointments/{appointment_id}/{what}", caller=ME, body=body)
    assert answer.status == 200, answer


def event_in(notice: dict[str, Any]) -> tuple[str, Any]:
    (file,) = notice["files"]
    method = file["ContentType"].rpartition("method=")[2]
    assert (file["FileName"], file["ContentDisposition"]) == ("appointment.ics", "ATTACHMENT")
    assert b"\r\n" in file["RawContent"]
    assert all(len(line) <= 75 for line in file["RawContent"].split(b"\r\n"))
    calendar = Calendar.from_ical(file["RawContent"])
    assert str(calendar["METHOD"]) == method
    (event,) = calendar.walk("VEVENT")
    return method, event


def test_booked_moved_and_cancelled_are_told_with_one_event_that_moves(practice: Practice, post: Post) -> None:
    settled(practice, "de", cancellation=Cancellation(notice_min=43_200, fee_minor=2000))
    made = booked(practice)
    (first,) = post.letters()
    assert (first["to"], first["subject"]) == ([EVE], "Ihr Termin bei Berlin Mitte")
    assert f"Montag, {next_monday(10):%d.%m.%Y}, 10:00 Uhr (Europe/Berlin)" in first["text"]
    assert first["text"].startswith("Guten Tag Eve Stone,")
    method, event = event_in(first)
    assert (method, event["UID"], event["SEQUENCE"]) == ("REQUEST", f"{made}@pilotpractice", 0)
    assert event["DTSTART"].dt == next_monday(10).astimezone(UTC)
    assert (str(event["ATTENDEE"]), event["STATUS"]) == (f"mailto:{EVE}", "CONFIRMED")
    change(made, "reschedule", starts_at=next_monday(14).isoformat())
    (second,) = post.letters()
    method, event = event_in(second)
    assert (method, event["UID"], event["SEQUENCE"]) == ("REQUEST", f"{made}@pilotpractice", 1)
    assert event["DTSTART"].dt.astimezone(BERLIN).hour == 14
    assert "14:00 Uhr" in second["text"]
    change(made, "cancel")
    (third,) = post.letters()
    method, event = event_in(third)
    assert (method, event["SEQUENCE"], event["STATUS"]) == ("CANCEL", 2, "CANCELLED")
    assert "eine Gebühr von 20,00 EUR" in third["text"]


def test_requests_are_answered(practice: Practice, post: Post) -> None:
    settled(practice, needs_approval=True)
    first, second = booked(practice), booked(practice, hour=11)
    asked = post.letters()
    assert [one["subject"] for one in asked] == ["Your request at Berlin Mitte"] * 2
    assert event_in(asked[0])[1]["STATUS"] == "TENTATIVE"
    change(first, "confirm")
    change(second, "decline", reason="full")
    confirmed, declined = sorted(post.letters(), key=lambda one: one["subject"])
    assert (confirmed["subject"], event_in(confirmed)[0]) == (
        *("Your appointment at Berlin Mitte is confirmed", "REQUEST"),
    )
    assert "cannot offer you this appointment" in declined["text"]
    assert event_in(declined)[0] == "CANCEL"


def test_nobody_is_mailed_twice_nor_about_the_past_nor_where_it_is_switched_off(practice: Practice, post: Post) -> None:
    settled(practice)
    made = booked(practice)
    rows = [row for row in OutboxRow.scan() if row.type == "booking.AppointmentBooked"]
    publish(rows)
    publish(rows)
    assert len(post.letters()) == 1
    booked(practice, email=None, hour=11)
    # Found by her number: the address is on her record.
    assert [one["to"] for one in post.letters()] == [[EVE]]
    settled(practice, mails_customers=False)
    change(made, "cancel")
    assert post.letters() == []
    with time_machine.travel(now() + timedelta(days=30), tick=True):
        assert recipients.news_now("booked", appointment_store.get_appointment("com_test", made), now()) is None


def test_a_completed_visit_is_asked_about_once_with_a_link_that_works(practice: Practice, post: Post) -> None:
    settled(practice, "it", mails_customers=False, asks_for_reviews=True)
    made = booked(practice)
    with time_machine.travel(next_monday(12), tick=True):
        change(made, "complete")
        (asked,) = post.letters()
        assert asked["subject"] == "Com'è andata la sua visita da Berlin Mitte?"
        change(made, "no-show", missed=True)
        change(made, "complete")
        assert post.letters() == []
        secret = asked["text"].split("/public/reviews/")[1].split()[0]
        left = call("POST", f"/public/reviews/{secret}", body={"rating": 5, "text": "Grazie"})
        assert left.status == 201, left


def test_nobody_is_asked_for_a_review_unless_the_practice_wants_it(practice: Practice, post: Post) -> None:
    settled(practice, mails_customers=False)
    made = booked(practice)
    with time_machine.travel(next_monday(12), tick=True):
        change(made, "complete")
        assert post.letters() == []


@pytest.mark.parametrize("code", WORDINGS)
def test_every_language_says_everything(code: str) -> None:
    wording = WORDINGS[code]
    assert set(wording.subjects) == set(wording.news) == set(WORDINGS["en"].news)
    told = NoticeText(
        name="Eve", branch="Nord", service="Massage", starts_at=now(), zone=BERLIN, fee_minor=150, currency="EUR",
        phone="+4930123", address="Weg 1",
    )  # fmt: skip
    for news in wording.news:
        said = notice(news, code, told)
        assert "Nord" in said.subject
        assert all(part in said.text for part in ("Eve", "Massage", "Weg 1", "+4930123", " EUR"))
        assert code == "en" or wording.news[news] != WORDINGS["en"].news[news]
        assert "Eve" not in notice(news, code, replace(told, name="")).text
    assert "https://x" in review_notice(code, "", "Nord", "https://x").text
