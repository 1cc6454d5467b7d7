"""The waiting list through its endpoints: what becomes free is offered to one after the other, by text or mail."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from chalicelib.booking.appointments import hold_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.hold import Hold
from chalicelib.booking.jobs import CheckWaiting, OfferOpening
from chalicelib.booking.practice.hours import DayHours, Span
from chalicelib.booking.practice.policy import Policy
from chalicelib.booking.practice_admin import manage
from chalicelib.booking.time_off import book_time_off
from chalicelib.booking.time_off.book_time_off import TimeOffRequest
from chalicelib.booking.waitlist import end_offer
from chalicelib.booking.waitlist.make_offers import offer_opening
from chalicelib.core import due, retry
from chalicelib.core.clock import now, stamp
from chalicelib.core.errors import DomainError, Stale, Unavailable
from chalicelib.core.jobs import Postpone, work
from chalicelib.core.rows import OutboxRow
from chalicelib.core.unit import Unit
from chalicelib.core.worker import deliver
from functions.public import waiting as public_waiting
from infra.local.invoking import call
from infra.local.simulators.twilio import TwilioSimulator
from tests.booking.calendars import read_calendar
from tests.calls.conftest import next_monday
from tests.calls.telephone import ALWAYS_QUIET, COMPANY, context, open_branch, twilio
from tests.conftest import EmbeddedAws
from tests.draining import drain
from tests.identity.office import Mailbox
from tests.integrations.test_outgoing_webhooks import receiver

__all__ = ["receiver", "twilio"]
from tests.functions.waiting import (
    ADA,
    FIRST,
    ME,
    SECOND,
    THIRD,
    books,
    cancels,
    comes,
    everything,
    link,
    practice_staff,
    reply,
    state,
    texts,
    waits,
)


def test_a_cancelled_time_goes_to_who_waits_then_to_the_next(twilio: TwilioSimulator) -> None:
    branch = open_branch(language="de")
    taken = books(branch).json["id"]
    first, second = waits(branch, FIRST), waits(branch, SECOND)
    drain()
    assert texts(twilio, FIRST) == []
    cancels(taken)
    (words,) = texts(twilio, FIRST)
    assert "Consultation ist frei am Mo " in words
    assert "10:00 mit Ada Keller" in words
    assert texts(twilio, SECOND) == []
    shown = call("GET", link(words))
    assert (shown.status, shown.json["outcome"], shown.json["staff"]) == (200, "open", ADA)
    assert datetime.fromisoformat(shown.json["starts_at"]) == next_monday(10)
    assert FIRST not in shown.text
    assert books(branch).json["code"] == "slot_taken"

    assert reply(link(words), "decline").json["outcome"] == "declined"
    assert reply(link(words), "decline").status == 200  # as often as they like
    assert reply(link(words), "accept").json["code"] == "offer_declined"
    drain(rounds=20)
    (to_second,) = texts(twilio, SECOND)
    assert len(texts(twilio, FIRST)) == 1  # not the same time again
    assert state(first).status == "waiting"

    made = reply(link(to_second), "accept")
    assert (made.status, made.json["outcome"], made.json["status"]) == (200, "accepted", "confirmed")
    assert reply(link(to_second), "accept").json == made.json
    assert reply(link(to_second), "decline").json["code"] == "offer_accepted"
    visit = appointment_store.get_appointment(COMPANY, made.json["appointment_id"])
    assert (visit.starts_at, visit.status, visit.source) == (next_monday(10), "confirmed", "web")
    calendar = read_calendar(practice_staff(branch), visit.entry()).entries()
    assert calendar == [visit.entry()]
    done = state(second)
    assert (done.status, done.appointment_id, visit.metadata) == ("booked", visit.id, {"waiting_id": second})
    drain(rounds=20)
    assert call("DELETE", f"/api/waiting-list/{second}", caller=ME).json["code"] == "waiting_booked"
    listed = call("GET", "/api/waiting-list", caller=ME, query={"branch_id": branch.id, "status": "waiting"})
    assert [one["id"] for one in listed.json["data"]] == [first]
    theirs = call("GET", "/api/waiting-list", caller=ME, query={"customer_id": done.customer_id}).json["data"]
    assert [(one["id"], one["status"]) for one in theirs] == [(second, "booked")]


def test_the_words_with_the_link_are_forgotten_once_they_are_out(twilio: TwilioSimulator) -> None:
    branch = open_branch()
    waits(branch, FIRST)
    drain(rounds=20)  # free already: offered at once
    (words,) = texts(twilio, FIRST)
    token = link(words).rpartition("/")[2]
    assert token not in everything()


def test_by_mail_where_no_text_arrives(twilio: TwilioSimulator, aws: EmbeddedAws) -> None:
    branch = open_branch()
    offered = waits(branch, "+493012345678", "eve@example.com")  # a landline
    drain(rounds=20)
    (mail,) = [one for one in Mailbox(aws).mails() if "eve@example.com" in str(one)]
    assert state(offered).offers[0].by == "mail"
    assert texts(twilio, "+493012345678") == []
    assert reply(link(mail["BodyText"]), "accept").json["status"] == "confirmed"


def test_at_night_by_mail_or_in_the_morning(twilio: TwilioSimulator, aws: EmbeddedAws) -> None:
    branch = open_branch(quiet=replace(ALWAYS_QUIET, texts=True))
    asleep, mailed = waits(branch, FIRST), waits(branch, SECOND, "eve@example.com")
    drain(rounds=20)
    assert (state(asleep).status, state(mailed).status) == ("waiting", "offered")
    assert texts(twilio, FIRST) == []


def test_an_offer_lapses_and_goes_on(twilio: TwilioSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    branch = open_branch(policy=Policy(waiting_offer_min=10))
    first, second = waits(branch, FIRST), waits(branch, SECOND)
    drain(rounds=20)
    offer = state(first).offer
    assert offer is not None
    assert offer.until <= now() + timedelta(minutes=10)
    later = now() + timedelta(minutes=11)
    monkeypatch.setattr(public_waiting, "now", lambda: later)
    (words,) = texts(twilio, FIRST)
    assert call("GET", link(words)).json["outcome"] == "lapsed"
    refused = reply(link(words), "accept")
    assert (refused.status, refused.json["code"]) == (409, "offer_expired")
    assert comes(now()) == 0
    assert comes(later) == 1
    drain(rounds=20)
    assert [state(one).status for one in (first, second)] == ["waiting", "offered"]
    assert state(first).offers[0].outcome == "lapsed"


def test_waiting_ends_with_an_event(twilio: TwilioSimulator) -> None:
    branch = open_branch()
    books(branch)
    one = waits(branch, FIRST, expires_in_days=20)
    drain(rounds=20)
    much_later = now() + timedelta(days=21)
    assert comes(now() + timedelta(days=2)) == 1  # looked at again, and nothing was free
    assert state(one).status == "waiting"
    assert comes(much_later) == 1
    assert state(one).status == "expired"
    assert [row.type for row in OutboxRow.scan()].count("booking.WaitingExpired") == 1
    assert comes(much_later + timedelta(days=30)) == 0


@pytest.mark.parametrize(("answer", "status"), [("accept", "booked"), ("decline", "waiting")])
def test_an_offer_that_is_answered_after_its_end_was_handed_over_does_not_lapse(
    twilio: TwilioSimulator, answer: str, status: str
) -> None:
    branch = open_branch()
    one = waits(branch, FIRST)
    drain(rounds=20)
    offer = state(one).offer
    assert offer is not None
    assert due.sweep(lambda: offer.until) == 1  # what ends it lies on its queue
    (words,) = texts(twilio, FIRST)
    assert reply(link(words), answer).status == 200
    answered = state(one)
    assert answered.status == status
    later = offer.until + timedelta(seconds=1)
    assert deliver("default", lambda queue, event: work(queue, event, lambda: later)) == 1
    assert state(one) == answered
    assert [row.type for row in OutboxRow.scan()].count("booking.WaitingOfferEnded") == (status == "waiting")
    kept = due.of_company(COMPANY, limit=10).data
    assert [one.due_at for one in kept] == ([stamp(answered.due_at)] if status == "waiting" else [])


def test_a_job_that_comes_early_or_to_what_is_over_changes_nothing(twilio: TwilioSimulator) -> None:
    branch = open_branch()
    one = waits(branch, FIRST)
    drain(rounds=20)
    offered, job = state(one), CheckWaiting(company_id=COMPANY, waiting_id=one)
    assert offered.offer
    with pytest.raises(Postpone):
        end_offer.check_waiting(job, context())
    assert state(one) == offered
    end_offer.withdraw(lambda: Unit(COMPANY), COMPANY, one, now)
    gone = state(one)
    end_offer.check_waiting(job, context(later=timedelta(days=100)))
    end_offer.check_waiting(replace(job, waiting_id="wai_nobody"), context())
    assert state(one) == gone


def test_calendars_that_are_fought_over_are_looked_at_again_and_keep_no_other_branch_waiting(
    twilio: TwilioSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    branch = open_branch()
    one = waits(branch, FIRST)
    trouble: list[DomainError] = [Stale()] * retry.TRIES
    add = hold_store.add

    def fought_over(unit: Unit, hold: Hold) -> None:
        if trouble:
            raise trouble.pop()
        add(unit, hold)

    monkeypatch.setattr(retry, "pause", lambda seconds: None)
    monkeypatch.setattr(hold_store, "add", fought_over)
    with pytest.raises(Postpone) as again:
        offer_opening(OfferOpening(company_id=COMPANY, branch_ids=(branch.id, branch.id)), context())
    assert again.value.seconds == 1
    assert state(one).offer
    trouble += [Unavailable("storage_busy", "The database is busy.")]
    two = waits(branch, SECOND, times=[{"start": 660, "end": 690}])
    with pytest.raises(Unavailable):
        offer_opening(OfferOpening(company_id=COMPANY, branch_ids=(branch.id,)), context())
    assert state(two).status == "waiting"


def test_time_off_withdrawn_and_new_hours_are_offered(twilio: TwilioSimulator) -> None:
    branch = open_branch()
    ada = practice_staff(branch)
    away = TimeOffRequest(ada.id, next_monday(8), next_monday(18), "away")
    off, _ = book_time_off.take(lambda: Unit(COMPANY), COMPANY, away, now)
    one = waits(branch, FIRST)
    at_seven = waits(branch, SECOND, times=[{"start": 420, "end": 450}])
    drain(rounds=20)
    assert (state(one).status, state(at_seven).status) == ("waiting", "waiting")
    book_time_off.withdraw(lambda: Unit(COMPANY), COMPANY, ada.id, off.id)
    drain(rounds=20)
    assert (state(one).status, state(at_seven).status) == ("offered", "waiting")

    day = next_monday(10).date()
    early = DayHours(on=day, spans=(Span(420, 1020),))
    saved = replace(branch, exceptions=(early,), version=branch.version + 1)
    manage.save(lambda: Unit(COMPANY), saved, now)
    hours = replace(ada, exceptions={branch.id: (early,)}, version=ada.version + 1)
    manage.save(lambda: Unit(COMPANY), hours, now)
    drain(rounds=20)
    assert state(at_seven).status == "offered"


def test_a_moved_appointment_frees_its_old_time(twilio: TwilioSimulator) -> None:
    branch = open_branch()
    made = books(branch).json["id"]
    one = waits(branch, FIRST)
    drain(rounds=20)
    body = {"starts_at": next_monday(14).isoformat()}
    assert call("POST", f"/api/appointments/{made}/reschedule", caller=ME, body=body).status == 200
    drain(rounds=20)
    offer = state(one).offer
    assert offer is not None
    assert offer.starts_at == next_monday(10)


def test_the_blocked_and_the_unreachable_get_nothing_and_the_rest_do(twilio: TwilioSimulator) -> None:
    branch = open_branch()
    assert call("PUT", "/api/blocklist", caller=ME, body={"phone": FIRST}).status == 200
    blocked, silent, fine = waits(branch, FIRST), waits(branch, "+493012345678"), waits(branch, THIRD)
    drain(rounds=20)
    assert [state(one).status for one in (blocked, silent, fine)] == ["waiting", "waiting", "offered"]
    assert texts(twilio, FIRST) == []


def test_who_leaves_gives_his_offer_to_the_next(twilio: TwilioSimulator) -> None:
    branch = open_branch()
    first, second = waits(branch, FIRST), waits(branch, SECOND)
    drain(rounds=20)
    assert call("DELETE", f"/api/waiting-list/{first}", caller=ME).status == 204
    assert call("DELETE", f"/api/waiting-list/{first}", caller=ME).status == 204
    drain(rounds=20)
    assert [state(one).status for one in (first, second)] == ["withdrawn", "offered"]
    (words,) = texts(twilio, FIRST)
    assert reply(link(words), "accept").json["code"] == "offer_withdrawn"
    assert reply("/public/offers/guessed", "accept").json["code"] == "offer_not_found"
