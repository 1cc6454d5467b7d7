"""The routes of text appointments: their answers, and a code for everything that is refused."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from chalicelib.text_sessions import store
from chalicelib.text_sessions.session import Session
from infra.local.invoking import Answer, Caller, call
from tests.conftest import EmbeddedAws
from tests.text_sessions.room import COMPANY, Room, furnish, text_appointment

ADMIN = Caller(COMPANY)


@pytest.fixture
def room(aws: EmbeddedAws) -> Room:
    """A room whose noon was half an hour ago by the real clock, which the endpoints go by."""
    return furnish(starts_at=now() - timedelta(minutes=30))


def post(room: Room, action: str, caller: Caller | None = None, key: str | None = None, **fields: Any) -> Answer:
    body = {"appointment_id": room.appointment.id, **fields}
    headers = {"idempotency-key": key} if key else {}
    return call("POST", f"/api/text-appointments/{action}", caller=caller or room.caller(), body=body, headers=headers)


def status(room: Room, caller: Caller | None = None) -> Answer:
    path = f"/api/text-appointments/{room.appointment.id}/session-status"
    return call("GET", path, caller=caller or room.caller())


def deduct(room: Room, count: Any = 1, **more: Any) -> Answer:
    return post(room, "process-deduction", sessions_to_deduct=count, reason="interval", **more)


def let_pass(room: Room, minutes: float) -> Session:
    """Make the running session so much older."""
    session = room.session()
    unit = Unit(COMPANY)
    earlier = timedelta(minutes=minutes)
    aged = Session(
        **{name: getattr(session, name) for name in Session.__struct_fields__}
        | {"start_time": session.start_time - earlier, "planned_until": session.planned_until - earlier}
    )
    store.save_session(unit, aged, now())
    unit.commit()
    return aged


def test_a_session_from_start_to_end(room: Room) -> None:
    assert status(room).json == {"status": "inactive", "session": None, "sessions_remaining": None}
    started = post(room, "start-session").json
    assert (started["session"]["is_active"], started["sessions_remaining"]) == (True, 2)
    assert post(room, "start-session", room.caller("doctor")).json["session"]["id"] == started["session"]["id"]
    active = post(room, "update-activity", room.caller("doctor"), user_type="doctor").json
    assert (active["has_doctor_activity"], active["sessions_used"]) == (True, 1)
    early = deduct(room, 5).json
    assert (early["outcome"], early["charged"], early["declined"]) == ("nothing_due", 0, 5)
    let_pass(room, 10)
    due = deduct(room, 5).json
    assert (due["outcome"], due["charged"], due["declined"], due["sessions_remaining"]) == ("charged", 1, 4, 1)
    shown = status(room).json
    assert (shown["status"], shown["session"]["sessions_used"], shown["sessions_remaining"]) == ("active", 2, 1)
    ended = post(room, "end-session").json
    assert (ended["sessions_used"], ended["sessions_remaining"], ended["charged"]) == (2, 1, 0)
    assert (ended["session"]["end_reason"], ended["ask_for_rating"]) == ("manual_end", True)
    assert status(room).json["status"] == "inactive"
    assert room.left() == 1


def test_the_answers_tell_what_the_record_holds(room: Room) -> None:
    session = post(room, "start-session").json["session"]
    assert {
        "id", "appointment_id", "patient_id", "doctor_id", "is_active", "start_time", "last_activity_time",
        "has_patient_activity", "has_doctor_activity", "sessions_used", "is_ended", "ended_at", "end_reason",
        "created_at", "updated_at",
    } <= session.keys()  # fmt: skip
    assert (session["patient_id"], session["doctor_id"]) == (room.patient.customer_id, room.doctor.staff_id)


BODIES: dict[str, dict[str, Any]] = {
    "start-session": {},
    "update-activity": {"user_type": "patient"},
    "process-deduction": {"sessions_to_deduct": 1, "reason": "interval"},
    "end-session": {},
}


@pytest.mark.parametrize("action", BODIES)
def test_the_same_key_gets_the_same_answer(room: Room, action: str) -> None:
    fields = BODIES[action]
    if action != "start-session":
        post(room, "start-session")
        post(room, "update-activity", user_type="patient")
        let_pass(room, 10)
    first = post(room, action, key="k", **fields)
    if room.session().is_active:
        let_pass(room, 10)
    again = post(room, action, key="k", **fields)
    assert (first.status, again.status) == (200, 200)
    if action != "start-session":  # a start that finds a session running answers with that one as it is now
        assert (again.text, again.headers.get("Idempotent-Replayed")) == (first.text, "true")


@pytest.mark.parametrize("action", BODIES)
def test_what_is_not_ones_own_is_not_there(room: Room, action: str) -> None:
    post(room, "start-session")
    other = furnish(number=1)
    strangers = [other.caller(), other.caller("doctor"), Caller("com_other"), Caller(COMPANY, user_id="usr_none")]
    for stranger in strangers:
        refused = post(room, action, stranger, **BODIES[action])
        assert (refused.status, refused.json["code"]) == (404, "appointment_not_found"), stranger
        assert status(room, stranger).status == 404
    unknown = call(
        "POST",
        f"/api/text-appointments/{action}",
        caller=room.caller(),
        body={"appointment_id": "apt_x", **BODIES[action]},
    )
    assert (unknown.status, unknown.json["code"]) == (404, "appointment_not_found")


@pytest.mark.parametrize("action", BODIES)
def test_an_admin_may_look_and_not_touch(room: Room, action: str) -> None:
    from chalicelib.identity.create_company import NewCompany, Person, create_company

    _, boss = create_company(
        NewCompany("Room", id=COMPANY), Person("Boss", "boss@example.com", "correct horse battery"), now
    )
    admin = Caller(COMPANY, "*", boss.id)
    post(room, "start-session")
    assert status(room, admin).json["status"] == "active"
    refused = post(room, action, admin, **BODIES[action])
    assert (refused.status, refused.json["code"]) == (403, "not_a_participant")


@pytest.mark.parametrize("action", ["update-activity", "process-deduction", "end-session"])
def test_what_has_not_begun_or_is_over(room: Room, action: str) -> None:
    assert post(room, action, **BODIES[action]).json["code"] == "no_session"
    post(room, "start-session")
    post(room, "end-session")
    refused = post(room, action, **BODIES[action])
    assert (refused.status, refused.json["code"]) == (409, "session_ended")
    assert post(room, "start-session").json["code"] == "session_ended"


@pytest.mark.parametrize(
    ("fields", "minutes", "code"),
    [
        ({"channel": "in_person"}, -5, "not_a_text_appointment"),
        ({"status": "held"}, -5, "not_confirmed"),
        ({}, 5, "too_early"),
        ({}, -65, "too_late"),
    ],
)
def test_what_may_not_start(room: Room, fields: dict[str, Any], minutes: float, code: str) -> None:
    at = now() + timedelta(minutes=minutes)
    room.appointment = text_appointment(room.appointment.customer_id, room.appointment.staff_id, at, **fields)
    refused = post(room, "start-session")
    assert (refused.status, refused.json["code"]) == (409, code)


def test_without_sessions_payment_is_required(aws: EmbeddedAws) -> None:
    room = furnish(1, starts_at=now())
    post(room, "start-session")
    room.appointment = text_appointment(room.appointment.customer_id, room.appointment.staff_id, now())
    assert (post(room, "start-session").status, post(room, "start-session").json["code"]) == (402, "no_sessions_left")


@pytest.mark.parametrize("count", [-1, 1.5, "1", None, True, [1], 10**30])
def test_a_count_that_is_none_is_named(room: Room, count: Any) -> None:
    post(room, "start-session")
    for answer in (deduct(room, count), post(room, "end-session", sessions_to_deduct=count)):
        assert answer.status == 422
        assert answer.json["errors"][0]["path"] == "body.sessions_to_deduct"
    assert room.session().is_active


def test_one_speaks_only_for_ones_own_side(room: Room) -> None:
    post(room, "start-session")
    refused = post(room, "update-activity", user_type="doctor")
    assert (refused.status, refused.json["code"]) == (403, "not_your_role")
    assert post(room, "update-activity", user_type="nurse").status == 422


def test_a_patient_sees_the_own_subscription_and_no_other_route(room: Room) -> None:
    own = call("GET", "/portal/subscription", caller=room.caller()).json
    assert (own["id"], own["sessions_remaining"]) == (room.subscription.id, 3)
    nobody = call("GET", "/portal/subscription", caller=ADMIN)
    assert (nobody.status, nobody.json["code"]) == (404, "no_subscription")
    refused = call("GET", f"/api/subscriptions/{room.subscription.id}/ledger", caller=room.caller())
    assert refused.json["code"] == "missing_ability"
