"""The Cal.com client against the simulated account."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from chalicelib.core.errors import Conflict, Invalid, OutcomeUnknown, RateLimited, Unavailable, VendorRefused
from chalicelib.vendors.calcom import client as module
from chalicelib.vendors.calcom.client import SLOT_TAKEN, CalCom
from infra.local.simulators.calcom.bookings import Rules
from infra.local.simulators.calcom.simulator import CalComSimulator
from tests.vendors.calcom.conftest import MakeBooking


def test_a_booking_is_made_and_found_again(calcom: CalCom, new_booking: MakeBooking, tomorrow: datetime) -> None:
    made = calcom.create_booking(new_booking(metadata={"appointment": "apt_1"}))
    assert (made.status, made.start, made.duration) == ("accepted", tomorrow, 30)
    assert made.end == tomorrow + timedelta(minutes=30)
    assert made.metadata == {"appointment": "apt_1"}
    assert made.event_type_id == 101
    assert made.attendees[0].phone_number == "+393331234567"
    assert calcom.booking(made.uid) == made


def test_only_documented_fields_and_the_right_version_are_sent(
    calcom: CalCom, calcom_sim: CalComSimulator, new_booking: MakeBooking, tomorrow: datetime
) -> None:
    rome = tomorrow.astimezone(timezone(timedelta(hours=1)))
    calcom.create_booking(new_booking(start=rome, location={"type": "address"}, length_in_minutes=30))
    sent = calcom_sim.requests[-1]
    assert sent["headers"]["cal-api-version"] == "2024-08-13"
    assert f'"start":"{tomorrow:%Y-%m-%dT%H:%M:%SZ}"' in sent["body"]
    assert "null" not in sent["body"]
    assert "metadata" not in sent["body"]


@pytest.mark.parametrize("status", [400, 409])
def test_a_taken_slot_is_a_conflict_whichever_status_says_so(
    calcom: CalCom, calcom_sim: CalComSimulator, new_booking: MakeBooking, status: int
) -> None:
    calcom_sim.bookings.rules = Rules(slot_taken_status=status)
    calcom.create_booking(new_booking())
    other = calcom.create_booking(new_booking(1))
    with pytest.raises(Conflict) as raised:
        calcom.create_booking(new_booking(0.25))
    assert raised.value.code == "calcom_slot_taken"
    with pytest.raises(Conflict) as raised:
        calcom.reschedule(other.uid, new_booking().start, "again")
    assert raised.value.code == "calcom_slot_taken"


def test_another_refusal_is_not_mistaken_for_a_taken_slot(
    calcom: CalCom, calcom_sim: CalComSimulator, new_booking: MakeBooking
) -> None:
    for status, code in ((400, "calcom_invalid"), (409, "calcom_conflict")):
        calcom_sim.fault(status=status, message="The event type can't be booked at the start time provided.")
        with pytest.raises((VendorRefused, Conflict)) as raised:
            calcom.create_booking(new_booking())
        assert raised.value.code == code
    with pytest.raises(VendorRefused) as refused:
        calcom.create_booking(new_booking(event_type_id=999))
    assert refused.value.code == "calcom_not_found"


@pytest.mark.parametrize(
    "message",
    [
        "User either already has booking at this time or is not available",
        "One of the hosts either already has booking at this time or is not available",
        "no_available_users_found_error",
        "hosts_unavailable_for_booking",
    ],
)
def test_the_messages_known_from_cal_com_are_recognised(message: str) -> None:
    assert SLOT_TAKEN.search(message)


@pytest.mark.parametrize(
    "message",
    [
        "Attendee with this email can't book because the maximum number of active bookings has been reached.",
        "Attempting to book a meeting in the past.",
        "Event type with id 9 not found.",
    ],
)
def test_other_messages_are_not(message: str) -> None:
    assert not SLOT_TAKEN.search(message)


@pytest.mark.parametrize(
    ("metadata", "paths"),
    [
        ({str(i): "" for i in range(51)}, ["metadata"]),
        ({"k" * 41: ""}, [f"metadata.{'k' * 40}"]),
        ({"a": "v" * 501, "b": "v" * 501}, ["metadata.a", "metadata.b"]),
    ],
)
def test_too_much_metadata_is_never_sent(
    calcom: CalCom, calcom_sim: CalComSimulator, new_booking: MakeBooking, metadata: dict[str, str], paths: list[str]
) -> None:
    with pytest.raises(Invalid) as raised:
        calcom.create_booking(new_booking(metadata=metadata))
    assert [fault.path for fault in raised.value.faults] == paths
    assert calcom_sim.requests == []


def test_metadata_up_to_its_limits_is_taken(calcom: CalCom, new_booking: MakeBooking) -> None:
    most = {f"{i:040}": "v" * 500 for i in range(50)}
    assert calcom.create_booking(new_booking(metadata=most)).metadata == most


def test_a_reschedule_makes_a_new_booking_and_cancels_the_old(calcom: CalCom, new_booking: MakeBooking) -> None:
    old = calcom.create_booking(new_booking(metadata={"appointment": "apt_1"}))
    new = calcom.reschedule(old.uid, new_booking(2).start, "later, please")
    assert new.uid != old.uid
    assert new.id != old.id
    assert (new.rescheduled_from_uid, new.rescheduling_reason) == (old.uid, "later, please")
    assert new.metadata == {"appointment": "apt_1"}
    gone = calcom.booking(old.uid)
    assert (gone.status, gone.rescheduled_to_uid) == ("cancelled", new.uid)
    with pytest.raises(VendorRefused) as raised:
        calcom.reschedule(old.uid, new_booking(3).start, "again")
    assert raised.value.code == "calcom_invalid"


def test_a_booking_may_move_within_its_own_time(calcom: CalCom, new_booking: MakeBooking) -> None:
    old = calcom.create_booking(new_booking())
    assert calcom.reschedule(old.uid, new_booking(0.25).start, "a little").start == new_booking(0.25).start


def test_a_cancelled_booking_frees_its_slot_and_cannot_be_cancelled_again(
    calcom: CalCom, new_booking: MakeBooking
) -> None:
    made = calcom.create_booking(new_booking())
    gone = calcom.cancel(made.uid, "ill")
    assert (gone.status, gone.cancellation_reason) == ("cancelled", "ill")
    assert gone.updated_at is not None
    assert made.updated_at is not None
    assert gone.updated_at > made.updated_at
    with pytest.raises(VendorRefused) as raised:
        calcom.cancel(made.uid, "ill")
    assert "cancelled already" in raised.value.extra["vendor_message"]
    calcom.create_booking(new_booking())


def test_an_unknown_uid_is_not_found_whatever_is_in_it(calcom: CalCom, calcom_sim: CalComSimulator) -> None:
    for uid in ("nobody", "a/../b", "a?b=c", "ü", ".."):
        with pytest.raises(VendorRefused) as raised:
            calcom.booking(uid)
        assert raised.value.code == "calcom_not_found"


def test_a_list_runs_over_all_pages_in_order(
    calcom: CalCom, calcom_sim: CalComSimulator, new_booking: MakeBooking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE_SIZE", 2)
    made = [calcom.create_booking(new_booking(hours)) for hours in (3, 0, 1, 4, 2)]
    calcom.create_booking(new_booking(0, event_type_id=103))
    calcom.cancel(made[0].uid, "still listed")
    start = new_booking().start
    found = list(calcom.bookings(101, start, start + timedelta(hours=4)))
    assert [one.start for one in found] == [start + timedelta(hours=hours) for hours in (0, 1, 2, 3)]
    assert [one.status for one in found] == ["accepted", "accepted", "accepted", "cancelled"]
    pages = [one["query"]["skip"] for one in calcom_sim.requests if one["method"] == "GET"]
    assert pages == ["0", "2"]


def test_a_booking_made_while_paging_repeats_none_and_loses_none(
    calcom: CalCom, new_booking: MakeBooking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE_SIZE", 2)
    made = {calcom.create_booking(new_booking(hours)).uid for hours in (1, 2, 3)}
    listing = calcom.bookings(101, new_booking().start, new_booking(9).start)
    seen = [next(listing).uid]
    calcom.create_booking(new_booking(0))
    seen += [one.uid for one in listing]
    assert len(seen) == len(set(seen))
    assert made <= set(seen)


def test_a_list_without_end_is_given_up(
    calcom: CalCom, calcom_sim: CalComSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_PAGES", 3)
    calcom_sim.fault(body='{"data":[],"pagination":{"hasNextPage":true}}', times=None)
    with pytest.raises(Unavailable):
        list(calcom.bookings(101, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)))


def test_a_naive_time_is_a_mistake_of_ours(calcom: CalCom, new_booking: MakeBooking) -> None:
    with pytest.raises(ValueError, match="offset"):
        calcom.create_booking(new_booking(start=datetime(2026, 1, 1)))


def test_an_outcome_that_stays_unknown_can_be_asked_for(
    calcom: CalCom, calcom_sim: CalComSimulator, new_booking: MakeBooking
) -> None:
    calcom_sim.fault(path="/v2/bookings", method="POST", status=500, apply=True)
    with pytest.raises(OutcomeUnknown):
        calcom.create_booking(new_booking(metadata={"appointment": "apt_1"}))
    window = (new_booking().start, new_booking(1).start)
    assert [one.metadata for one in calcom.bookings(101, *window)] == [{"appointment": "apt_1"}]


def test_a_wrong_key_and_too_many_requests_are_told_apart(
    calcom: CalCom, calcom_sim: CalComSimulator, new_booking: MakeBooking
) -> None:
    stranger = CalCom("cal_wrong", calcom_sim.url)
    with pytest.raises(VendorRefused) as refused:
        stranger.create_booking(new_booking())
    assert refused.value.code == "calcom_credentials"
    stranger.close()
    calcom_sim.rate_limit = 1
    with pytest.raises(RateLimited) as limited:
        calcom.booking("x")
    assert 1 <= limited.value.retry_after <= 60


def test_an_older_version_of_the_api_is_no_usable_answer(
    calcom: CalCom, new_booking: MakeBooking, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = calcom.create_booking(new_booking())
    monkeypatch.setattr(module, "_BOOKINGS", {})
    with pytest.raises(Unavailable):
        calcom.booking(made.uid)
    with pytest.raises(Unavailable):
        list(calcom.bookings(101, new_booking().start, new_booking(1).start))
    with pytest.raises(VendorRefused):
        calcom.create_booking(new_booking(1))


def test_the_base_url_is_the_setting_unless_given() -> None:
    assert CalCom("k")._session._base_url == "https://api.cal.com"


def test_a_request_is_confirmed_or_declined(calcom: CalCom, new_booking: MakeBooking) -> None:
    first, second = (calcom.create_booking(new_booking(hours, event_type_id=103)) for hours in (0, 1))
    assert calcom.confirm(first.uid).status == "accepted"
    assert calcom.decline(second.uid, "closed").status == "rejected"
    with pytest.raises(VendorRefused):
        calcom.confirm(first.uid)


def test_people_of_a_booking(calcom: CalCom, new_booking: MakeBooking) -> None:
    made = calcom.create_booking(new_booking(event_type_id=102))
    other = 15 - (made.hosts[0].id or 0)  # of the hosts 7 and 8
    calcom.reassign(made.uid, other, "ill")
    calcom.add_attendee(made.uid, "Eve", "eve@example.com", "Europe/Rome", "+393331234568")
    calcom.add_guests(made.uid, ["tom@example.com"])
    marked = calcom.mark_absent(made.uid, {"eve@example.com": True})
    assert marked.hosts[0].id == other
    assert [(one.email, one.absent) for one in marked.attendees][1:] == [
        ("eve@example.com", True),
        ("tom@example.com", False),
    ]
    assert marked.guests == ["tom@example.com"]
    with pytest.raises(VendorRefused):
        calcom.reassign(calcom.create_booking(new_booking(2)).uid, 8, "the event type has one host")


def test_the_account_behind_the_key(calcom: CalCom) -> None:
    account = calcom.account()
    assert [(kind.id, kind.length_min, kind.hosts) for kind in account.event_types()] == [
        (101, 30, (7,)),
        (102, 45, (7, 8)),
        (103, 30, (103,)),
    ]
    assert [user.email for user in account.users() if user.id == 7] == ["host-7@example.com"]
    made = account.subscribe("https://example.com/hook", ["BOOKING_CREATED"], "s")
    assert account.webhooks() == [made]
    again = account.resubscribe(made.id, ["BOOKING_CREATED", "BOOKING_CANCELLED"], "t")
    assert (again.active, again.secret, len(again.triggers)) == (True, "t", 2)


def test_an_account_without_teams_has_its_own(calcom: CalCom, calcom_sim: CalComSimulator) -> None:
    calcom_sim.fault(path="/v2/teams", status=403)
    account = calcom.account()
    assert [user.id for user in account.users()] == [1]
    assert [kind.id for kind in account.event_types()] == [101, 103]
