"""Who may start a text session and when, whose it is, and what is written along with what happens in it."""

from datetime import timedelta

import pytest

from chalicelib.booking.events import AppointmentCancelled
from chalicelib.booking.practice_admin.link_users import link_user
from chalicelib.core.clock import now
from chalicelib.core.errors import Conflict, Forbidden, NotFound, PaymentRequired
from chalicelib.core.rows import AuditRow
from chalicelib.core.unit import Unit
from chalicelib.text_sessions import activity, participants
from chalicelib.text_sessions.activity import Said
from chalicelib.text_sessions.session import ChatUser
from chalicelib.text_sessions.tables import TextSessionRow
from tests.conftest import EmbeddedAws
from tests.draining import drain
from tests.text_sessions.room import COMPANY, NOON, Room, furnish, text_appointment


@pytest.mark.parametrize(
    ("fields", "minutes", "code"),
    [
        ({"channel": "video"}, 0, "not_a_text_appointment"),
        ({"status": "requested"}, 0, "not_confirmed"),
        ({"status": "cancelled"}, 0, "not_confirmed"),
        ({}, -0.1, "too_early"),
        ({}, 60.1, "too_late"),
    ],
)
def test_when_a_session_does_not_start(room: Room, fields: dict[str, str], minutes: float, code: str) -> None:
    room.appointment = text_appointment(room.appointment.customer_id, "stf_0", NOON, **fields)
    room.after(minutes)
    with pytest.raises(Conflict) as refused:
        room.start()
    assert refused.value.code == code
    assert room.left() == 3


@pytest.mark.parametrize("minutes", [0, 60])
def test_a_session_starts_from_the_first_to_the_last_moment(room: Room, minutes: float) -> None:
    room.after(minutes)
    assert room.start().session.is_active


def test_who_does_not_pay_does_not_start(aws: EmbeddedAws) -> None:
    room = furnish(sessions=1)
    room.start()
    room.appointment = text_appointment(room.appointment.customer_id, "stf_0", NOON)
    with pytest.raises(PaymentRequired, match="no_sessions_left"):
        room.start()
    other = furnish(number=1)
    other.appointment = text_appointment("cus_other", other.doctor.staff_id, NOON)
    with pytest.raises(PaymentRequired, match="no_subscription"):
        other.start("doctor")


def test_two_sessions_of_one_patient_share_the_balance(room: Room) -> None:
    other = another(room)
    for each in (room, other):
        each.start()
        each.active()
        each.after(10)
    room.tick()
    other.tick()
    assert (room.session().sessions_used, other.session().end_reason) == (2, "none_left")
    assert room.left() == 0


def another(room: Room) -> Room:
    """The same two with another appointment."""
    appointment = text_appointment(room.appointment.customer_id, room.appointment.staff_id, NOON)
    return Room(room.patient, room.doctor, appointment, room.subscription)


def test_a_foreign_appointment_is_not_there(room: Room) -> None:
    other = furnish(number=1)
    for user in (other.patient, other.doctor):
        with pytest.raises(NotFound):
            participants.read(ChatUser(COMPANY, user.id, room.appointment.id))
    with pytest.raises(NotFound):
        participants.read(ChatUser("com_other", room.patient.id, room.appointment.id))


def test_one_speaks_for_oneself(room: Room) -> None:
    room.start()
    with pytest.raises(Forbidden, match="not_your_role"):
        activity.update(room.unit, ChatUser(COMPANY, room.patient.id, room.appointment.id), "doctor", room.clock)
    assert not room.session().has_activity


def test_what_goes_with_an_activity_is_in_its_transaction(room: Room) -> None:
    room.start()
    present = participants.read(ChatUser(COMPANY, room.patient.id, room.appointment.id))
    for minutes in (1, 15):  # alone, and along with what the clock has to charge
        room.after(minutes)
        said = Said(lambda unit, session: unit.audit("message.sent", session.id), lambda session: session)
        assert activity.note(room.unit, present, room.clock, said).messages == (1 if minutes == 1 else 2)
    sent = [row for row in AuditRow.scan() if row.action == "message.sent"]
    assert len(sent) == 2
    room.after(60 * 24)

    def never(*_: object) -> None:
        raise AssertionError("nothing is written into a session that is over")

    with pytest.raises(Conflict, match="session_ended"):
        activity.note(room.unit, present, room.clock, Said(never, never))


def test_everything_is_audited_and_nothing_runs_on(room: Room) -> None:
    room.start()
    room.active()
    room.after(10)
    room.tick()
    room.after(12)
    room.end()
    actions = {row.action for row in AuditRow.scan() if row.pk == f"{COMPANY}#{room.session().id}"}
    assert actions == {
        "text_session.started", "text_session.activity", "text_session.charged", "text_session.ended",
        "text_session.ended_by_hand",
    }  # fmt: skip
    assert [row for row in TextSessionRow.scan() if row.due_in and row.due_in.startswith("session")] == []


def test_an_appointment_without_a_doctor_is_the_patients(room: Room) -> None:
    room.appointment = text_appointment(room.appointment.customer_id, None, NOON)
    assert room.start().session.doctor_id is None
    with pytest.raises(NotFound):
        room.active("doctor")


def test_a_user_without_a_person_is_nobodys_patient(room: Room) -> None:
    link_user(Unit(COMPANY), room.patient.id, None, None, room.clock)
    with pytest.raises(NotFound):
        room.start()


def test_the_session_of_a_cancelled_appointment_ends(aws: EmbeddedAws) -> None:
    room = furnish(starts_at=now() - timedelta(minutes=12))
    room.start()
    room.active()
    for _ in range(2):
        unit = Unit(COMPANY)
        unit.publish(AppointmentCancelled(appointment_id=room.appointment.id, status="cancelled", version=2))
        unit.commit()
        drain()
    session = room.session()
    assert (session.end_reason, session.sessions_used, room.left()) == ("cancelled", 2, 1)
