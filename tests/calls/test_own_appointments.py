"""Listing, moving and cancelling by telephone: whose appointment it is, what is answered, and that it happens once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.store import AppointmentFilter
from chalicelib.booking.practice.policy import Cancellation, Policy, Rescheduling
from chalicelib.core import aws as aws_clients
from chalicelib.core.errors import Invalid
from chalicelib.core.rows import OutboxRow
from infra.local.demo_practice import Practice
from tests.calls.desk import MONDAY, THEIRS, booked, practice_that_speaks, ring
from tests.sizes import ROUNDS

WITHHELD = [None, "", "anonymous", "Restricted", "unknown", "+266696687", "+7378742833", "+86282452253", "withheld"]
FACTS = {"name": "stone, EVE", "date": "Monday"}
REFUSED = {"name_it", "not_found", "too_many_attempts"}


def state(appointment_id: str) -> tuple[str, datetime, int]:
    found = appointment_store.get_appointment("com_test", appointment_id)
    return found.status, found.starts_at, found.version


def published(name: str) -> int:
    return sum(row.type == f"booking.{name}" for row in OutboxRow.scan())


@pytest.mark.parametrize(
    ("language", "listed", "moved", "cancelled"),
    [
        (
            "en",
            "You have one appointment: Consultation with Ada Keller on Monday, November 23 at 10:00 AM.",
            "Your appointment has been moved: Consultation with Ada Keller on Monday, November 23 at 3:30 PM.",
            "Your appointment is cancelled: Consultation with Ada Keller on Monday, November 23 at 3:30 PM.",
        ),
        (
            "de",
            "Sie haben einen Termin: Consultation bei Ada Keller am Montag, 23. November um 10 Uhr.",
            "Ihr Termin ist verlegt: Consultation bei Ada Keller am Montag, 23. November um 15:30 Uhr.",
            "Ihr Termin ist abgesagt: Consultation bei Ada Keller am Montag, 23. November um 15:30 Uhr.",
        ),
        (
            "it",
            "Ha un appuntamento: Consultation con Ada Keller, lunedì 23 novembre alle ore 10.",
            "Il suo appuntamento è stato spostato: Consultation con Ada Keller, lunedì 23 novembre alle ore 15:30.",
            "Il suo appuntamento è annullato: Consultation con Ada Keller, lunedì 23 novembre alle ore 15:30.",
        ),
        (
            "vi",
            "Quý khách có 1 lịch hẹn: Consultation với Ada Keller lúc 10 giờ thứ Hai, ngày 23 tháng 11.",
            "Lịch hẹn của quý khách đã được dời: Consultation với Ada Keller lúc 15 giờ 30 thứ Hai, ngày 23 tháng 11.",
            "Lịch hẹn của quý khách đã được hủy: Consultation với Ada Keller lúc 15 giờ 30 thứ Hai, ngày 23 tháng 11.",
        ),
    ],
)
def test_a_caller_lists_moves_and_cancels_in_the_branchs_language(
    practice: Practice, language: str, listed: str, moved: str, cancelled: str
) -> None:
    practice_that_speaks(practice, language)
    half_past_three = {"en": "half past three", "de": "halb vier", "it": "alle tre e mezza", "vi": "ba giờ rưỡi"}
    mine = booked(staff="Ada Keller")
    assert ring("list_my_appointments", {})["message"] == listed
    answer = ring("reschedule_appointment", {"starts_at": half_past_three[language]})
    assert (answer["status"], answer["message"]) == ("moved", moved)
    assert answer["starts_at"] == MONDAY.replace(hour=15, minute=30).isoformat()
    answer = ring("cancel_appointment", {"reason": "ill"})
    assert (answer["status"], answer["message"]) == ("cancelled", cancelled)
    after = appointment_store.get_appointment("com_test", mine.id)
    assert (after.status, after.cancellation_reason) == ("cancelled", "ill")
    assert ring("list_my_appointments", {})["status"] == "name_it"


def test_of_several_the_caller_has_to_choose(practice: Practice) -> None:
    first, second = booked(), booked(MONDAY + timedelta(days=1))
    answer = ring("cancel_appointment", {})
    assert answer["status"] == "which_one"
    assert [one["appointment_id"] for one in answer["appointments"]] == [first.id, second.id]
    assert ring("cancel_appointment", {"date": "Tuesday"})["appointment_id"] == second.id
    assert ring("cancel_appointment", {"appointment_id": first.id})["status"] == "cancelled"


def test_a_name_that_is_not_the_callers_own_is_asked_about(practice: Practice) -> None:
    mine = booked()
    answer = ring("cancel_appointment", {"name": "Peter Stone"})
    assert answer["status"] == "which_one"
    assert state(mine.id)[0] == "confirmed"
    assert ring("cancel_appointment", {"name": "Peter Stone", "appointment_id": mine.id})["status"] == "cancelled"


@pytest.mark.parametrize("function", ["list_my_appointments", "reschedule_appointment", "cancel_appointment"])
@pytest.mark.parametrize("number", [THEIRS, *WITHHELD])
def test_a_foreign_or_withheld_number_reaches_nothing(practice: Practice, function: str, number: str | None) -> None:
    before = state(booked().id)
    new_time = {"starts_at": "Tuesday at three"} if function == "reschedule_appointment" else {}
    ours = AppointmentFilter(company_id="com_test")
    appointment_id = str(appointment_store.page_appointments(ours, 1).data[0].id)
    for args in ({}, {"appointment_id": appointment_id}, {"name": "Eve Stone"}, {"date": "2037-11-23"}):
        answer = ring(function, args | new_time, from_number=number)
        assert (answer["status"], answer["appointments"]) == ("name_it", [])
    assert state(appointment_id) == before


def test_withheld_numbers_are_no_customers_key(practice: Practice) -> None:
    for number in WITHHELD:
        wish = {"service": "Consultation", "starts_at": MONDAY.isoformat(), "name": "Eve"}
        with pytest.raises(Invalid) as refused:
            ring("book_appointment", wish, from_number=number)
        assert refused.value.faults[0].path == "args.phone"


@pytest.mark.parametrize("number", [THEIRS, "anonymous"])
def test_name_and_date_open_exactly_that_appointment(practice: Practice, number: str) -> None:
    meant, other = booked(), booked(MONDAY + timedelta(days=1))
    listed = ring("list_my_appointments", FACTS, from_number=number)
    assert [one["appointment_id"] for one in listed["appointments"]] == [meant.id]
    moved = ring("reschedule_appointment", FACTS | {"starts_at": "Monday at four"}, from_number=number)
    assert moved["status"] == "moved"
    assert ring("cancel_appointment", {"appointment_id": other.id}, from_number=number)["status"] == "name_it"
    assert ring("cancel_appointment", FACTS, from_number=number)["status"] == "cancelled"
    assert state(other.id)[0] == "confirmed"


def test_a_mismatch_tells_nothing(practice: Practice) -> None:
    mine = booked()
    wrong = [
        {"name": "Eve Stones", "date": "2037-11-23"},  # somebody is booked that day
        {"name": "Eve Stone", "date": "2037-11-24"},  # she exists
        {"name": "Nobody Nowhere", "date": "2037-11-25"},
        FACTS | {"appointment_id": "apt_00000000000000000000"},
    ]
    answers = [
        ring("cancel_appointment", args, from_number=THEIRS, call_id=f"guess-{number}")
        for number, args in enumerate(wrong)
    ]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["status"] == "not_found"
    assert state(mine.id)[0] == "confirmed"


def test_two_people_of_one_name_on_one_day_are_told_apart_by_nobody(practice: Practice) -> None:
    booked()
    booked(MONDAY.replace(hour=12), number="+4915100000001")
    assert ring("cancel_appointment", FACTS, from_number=THEIRS)["status"] == "not_found"


def test_guesses_are_limited_in_each_call_also_at_once(practice: Practice) -> None:
    booked()
    gate = Barrier(8)

    def guess(number: int) -> str:
        gate.wait()
        args = {"name": f"Guess {number}", "date": "Monday"}
        return str(ring("list_my_appointments", args, from_number=THEIRS)["status"])

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(guess, range(8)))
    assert outcomes.count("not_found") <= 3
    assert set(outcomes) <= {"not_found", "too_many_attempts"}
    assert ring("list_my_appointments", FACTS, from_number=THEIRS)["status"] == "too_many_attempts"
    assert ring("list_my_appointments", FACTS, from_number=THEIRS, call_id="another")["status"] == "listed"


def test_saying_the_same_again_is_no_further_guess(practice: Practice) -> None:
    booked()
    for _ in range(5):
        assert ring("list_my_appointments", FACTS, from_number=THEIRS)["status"] == "listed"


def test_another_companys_appointments_are_out_of_reach(practice: Practice) -> None:
    from tests.conftest import open_practice

    open_practice("com_other", calcom=False, suffix="B", shift=10)
    mine = booked()
    to_number = "+493055501010"
    for args in ({}, {"appointment_id": mine.id}, FACTS):
        assert ring("list_my_appointments", args, to_number=to_number)["status"] in REFUSED


def test_what_is_past_or_over_is_not_listed(practice: Practice) -> None:
    mine = booked()
    late = MONDAY + timedelta(minutes=1)
    assert ring("list_my_appointments", {}, at=late)["status"] == "name_it"
    assert ring("list_my_appointments", FACTS | {"date": "2037-11-23"}, at=late)["status"] == "not_found"
    assert state(mine.id)[0] == "confirmed"


def test_a_repeated_delivery_gets_the_same_answer(practice: Practice) -> None:
    mine = booked()
    wish = {"starts_at": "Tuesday at half past three"}
    first, again = ring("reschedule_appointment", wish), ring("reschedule_appointment", wish)
    assert first == again
    assert first["status"] == "moved"
    assert published("AppointmentMoved") == 1
    first, again = ring("cancel_appointment", {}), ring("cancel_appointment", {})
    assert first == again
    assert first["status"] == "cancelled"
    assert published("AppointmentCancelled") == 1
    assert state(mine.id)[0] == "cancelled"


def test_a_late_repeat_moves_nothing_back_until_it_is_asked_for_again(practice: Practice) -> None:
    mine = booked()
    tuesday, wednesday = {"starts_at": "Tuesday at ten"}, {"starts_at": "Wednesday at ten"}
    ring("reschedule_appointment", tuesday)
    ring("reschedule_appointment", wednesday)
    late = ring("reschedule_appointment", tuesday)
    assert late["status"] == "changed_since"
    assert "Wednesday, November 25" in late["message"]
    assert state(mine.id)[1] == MONDAY + timedelta(days=2)
    assert ring("reschedule_appointment", tuesday)["status"] == "moved"
    assert state(mine.id)[1] == MONDAY + timedelta(days=1)


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_the_same_cancellation_many_times_at_once_happens_once(practice: Practice, round_number: int) -> None:
    booked()
    gate = Barrier(8)

    def cancel(number: int) -> Any:
        gate.wait()
        return ring("cancel_appointment", {"date": "Monday"})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(cancel, range(8)))
    assert all(answer == answers[0] for answer in answers), answers
    assert answers[0]["status"] == "cancelled"
    assert published("AppointmentCancelled") == 1


def test_a_taken_time_is_answered_with_bookable_alternatives(practice: Practice) -> None:
    practice_that_speaks(practice, "de")
    booked(MONDAY.replace(hour=15), number=THEIRS, staff="Ada Keller")
    booked(staff="Ada Keller")
    answer = ring("reschedule_appointment", {"starts_at": "Montag um drei"})
    assert answer["status"] == "unavailable"
    assert answer["message"].startswith("Diese Zeit ist nicht frei. Ich könnte Ihnen anbieten: Montag, 23. November um")
    chosen = answer["alternatives"][0]
    again = {"starts_at": chosen["starts_at"], "staff": chosen["staff_id"]}
    assert ring("reschedule_appointment", again)["status"] == "moved"


def test_a_late_cancellation_says_what_it_costs(practice: Practice) -> None:
    terms = Policy(cancellation=Cancellation(notice_min=2881, fee_minor=2050))
    practice_that_speaks(practice, "de", policy=terms)
    mine = booked(staff="Ada Keller")
    answer = ring("cancel_appointment", {})
    assert (answer["status"], answer["fee_minor"], answer["currency"]) == ("cancelled", 2050, "EUR")
    assert answer["message"].endswith("fällt eine Gebühr von 20,50 EUR an.")
    assert appointment_store.get_appointment("com_test", mine.id).fee_minor == 2050


def test_what_the_practice_does_not_let_customers_move_is_said_without_other_times(practice: Practice) -> None:
    terms = Policy(rescheduling=Rescheduling(by=("staff",)))
    practice_that_speaks(practice, "en", policy=terms)
    mine = booked()
    before = state(mine.id)
    answer = ring("reschedule_appointment", {"starts_at": "Monday at four"})
    assert (answer["status"], answer["code"]) == ("refused", "reschedule_not_allowed")
    assert "can no longer be changed over the phone" in answer["message"]
    assert "alternatives" not in answer
    assert state(mine.id) == before


def test_a_time_that_makes_no_sense_names_its_argument(practice: Practice) -> None:
    booked()
    for text in ("someday", "yesterday at three", "2037-11-20T10:00", "2045-01-01T10:00"):
        with pytest.raises(Invalid) as refused:
            ring("reschedule_appointment", {"starts_at": text})
        assert refused.value.faults[0].path == "args.starts_at"


def test_what_was_booked_in_this_very_call_is_known_even_if_the_index_lags(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.core.pages import Page

    wish = {"service": "Consultation", "starts_at": MONDAY.isoformat(), "name": "Eve Stone"}
    made = ring("book_appointment", wish)
    monkeypatch.setattr(appointment_store, "page_appointments", lambda *_, **__: Page([], None))
    listed = ring("list_my_appointments", {})
    assert [one["appointment_id"] for one in listed["appointments"]] == [made["appointment_id"]]


def test_requests(practice: Practice) -> None:
    booked(staff="Ada Keller")
    names: list[str] = []
    counts: dict[str, int] = {}
    aws_clients.call_hooks.append(lambda when, name: names.append(name) if when == "before" else None)
    try:
        for function, args in (
            ("list_my_appointments", {}),
            ("reschedule_appointment", {"starts_at": "Monday at four"}),
            ("cancel_appointment", {}),
            ("cancel_appointment", {}),
        ):
            names.clear()
            ring(function, args)
            counts[f"{function} {len(counts)}"] = len(names)
    finally:
        aws_clients.call_hooks.clear()
    assert list(counts.values()) == [3, 7, 7, 2], (counts, names)
