"""Plans and subscriptions: selling, granting, correcting, renewing by the local calendar, expiring."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from chalicelib.text_sessions import manage_subscription, store
from chalicelib.text_sessions.manage_subscription import Correction
from chalicelib.text_sessions.plan import Terms
from chalicelib.text_sessions.subscription import Subscription
from infra.local.invoking import Answer, Caller, call
from tests.conftest import EmbeddedAws
from tests.text_sessions.room import COMPANY, Room, furnish, text_appointment

ADMIN = Caller(COMPANY)
PLAN = {
    "name": "Ten a month",
    "terms": {"sessions": 10, "period": "month", "zone": "Europe/Berlin"},
    "price": 4900,
    "currency": "EUR",
}


def request(method: str, path: str, body: Any = None, key: str | None = None) -> Answer:
    return call(method, path, caller=ADMIN, body=body, headers={"idempotency-key": key} if key else {})


def ends(terms: Terms, sold: datetime, count: int) -> list[str]:
    """The local times at which the first periods end."""
    zone = ZoneInfo(terms.zone)
    found = [terms.end_of(terms.first_day(sold), number) for number in range(count)]
    return [end.astimezone(zone).isoformat() for end in found if end]


def test_months_begun_on_the_31st_end_on_the_last_and_go_back_to_the_31st() -> None:
    terms = Terms(sessions=1, period="month", zone="Europe/Berlin")
    assert ends(terms, datetime(2026, 1, 31, 12, tzinfo=UTC), 4) == [
        "2026-02-28T00:00:00+01:00", "2026-03-31T00:00:00+02:00", "2026-04-30T00:00:00+02:00",
        "2026-05-31T00:00:00+02:00",
    ]  # fmt: skip


def test_the_day_is_the_local_one() -> None:
    late = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
    assert ends(Terms(sessions=1, period="month", zone="Europe/Berlin"), late, 1) == ["2026-05-01T00:00:00+02:00"]
    assert ends(Terms(sessions=1, period="month", zone="America/New_York"), late, 1) == ["2026-04-30T00:00:00-04:00"]


def test_weeks_keep_their_local_midnight_over_the_change_of_clocks() -> None:
    terms = Terms(sessions=1, period="week", zone="Europe/Berlin")
    assert ends(terms, datetime(2026, 3, 20, 9, tzinfo=UTC), 2) == [
        "2026-03-27T00:00:00+01:00",
        "2026-04-03T00:00:00+02:00",
    ]


def test_a_midnight_that_the_clock_skips_is_the_jump() -> None:
    terms = Terms(sessions=1, period="week", zone="America/Santiago")  # 6 September 2026 begins at 1 o'clock
    assert ends(terms, datetime(2026, 8, 30, 15, tzinfo=UTC), 1) == ["2026-09-06T01:00:00-03:00"]


def test_a_leap_day_a_year_later() -> None:
    terms = Terms(sessions=1, period="year", zone="UTC")
    assert [end[:10] for end in ends(terms, datetime(2028, 2, 29, tzinfo=UTC), 4)] == [
        "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29",
    ]  # fmt: skip


def test_plans_are_offered_changed_and_withdrawn(aws: EmbeddedAws) -> None:
    made = request("POST", "/api/plans", PLAN)
    assert (made.status, made.json["terms"]["no_show_charged"]) == (201, False)
    path = f"/api/plans/{made.json['id']}"
    changed = request("PUT", path, PLAN | {"name": "Ten"}).json
    assert request("GET", path).json == changed
    assert [one["name"] for one in request("GET", "/api/plans").json["data"]] == ["Ten"]
    assert request("DELETE", path).status == 204
    assert [request("GET", path).status, request("PUT", path, PLAN).status, request("DELETE", path).status] == [404] * 3
    assert request("GET", "/api/plans").json["data"] == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"terms": PLAN["terms"] | {"zone": "Berlin"}}, "body.terms.zone"),  # type: ignore[operator]
        ({"terms": PLAN["terms"] | {"sessions": 0}}, "body.terms.sessions"),  # type: ignore[operator]
        ({"terms": PLAN["terms"] | {"period": "day"}}, "body.terms.period"),  # type: ignore[operator]
        ({"currency": None}, "body.currency"),
        ({"price": None}, "body.price"),
        ({"currency": "euro"}, "body.currency"),
        ({"name": "  "}, "body.name"),
    ],
)
def test_a_plan_that_is_none_is_named(aws: EmbeddedAws, change: dict[str, Any], path: str) -> None:
    refused = request("POST", "/api/plans", PLAN | change)
    assert (refused.status, refused.json["errors"][0]["path"]) == (422, path)


def test_a_patient_has_one_subscription(aws: EmbeddedAws) -> None:
    room = furnish()
    plan = request("POST", "/api/plans", PLAN).json
    refused = request("POST", "/api/subscriptions", {"patient_id": room.patient.customer_id, "plan_id": plan["id"]})
    assert (refused.status, refused.json["code"]) == (409, "subscription_exists")
    for field in ("patient_id", "plan_id"):
        body = {"patient_id": room.patient.customer_id, "plan_id": plan["id"], field: "x"}
        assert request("POST", "/api/subscriptions", body).status == 404
    assert [one["id"] for one in request("GET", "/api/subscriptions").json["data"]] == [room.subscription.id]


def test_grants_and_corrections_are_in_the_ledger_once(aws: EmbeddedAws) -> None:
    room = furnish()
    path = f"/api/subscriptions/{room.subscription.id}"
    for _ in range(2):
        assert (
            request("POST", f"{path}/grants", {"sessions": 5, "reason": "Bought"}, "g").json["sessions_remaining"] == 8
        )
        corrected = request("POST", f"{path}/adjustments", {"amount": -2, "reason": "Counted twice"}, "a").json
        assert (corrected["sessions_remaining"], corrected["sessions_total"]) == (6, 8)
    refused = request("POST", f"{path}/adjustments", {"amount": -7, "reason": "Too much"})
    assert (refused.status, refused.json["code"]) == (409, "below_zero")
    assert request("GET", path).json["sessions_remaining"] == 6
    entries = request("GET", f"{path}/ledger").json["data"]
    assert [(e["amount"], e["reason"], e["balance_after"], e["note"]) for e in entries] == [
        (-2, "adjustment", 6, "Counted twice"), (5, "grant", 8, "Bought"), (3, "grant", 3, ""),
    ]  # fmt: skip
    first = call("GET", f"{path}/ledger", caller=ADMIN, query={"limit": "2"}).json
    rest = call("GET", f"{path}/ledger", caller=ADMIN, query={"limit": "2", "cursor": first["next_cursor"]}).json
    assert first["data"] + rest["data"] == entries
    assert room.left() == 6


def monthly(sold: datetime, **terms: Any) -> Room:
    return furnish(3, starts_at=sold, **({"period": "month", "zone": "Europe/Berlin"} | terms))


def close(at: datetime) -> int:
    return manage_subscription.close_periods(at, lambda: at)


def subscription(room: Room) -> Subscription:
    return store.get_account(COMPANY, room.subscription.id).subscription


SOLD = datetime(2026, 1, 31, 12, tzinfo=UTC)
FEBRUARY = datetime(2026, 2, 27, 23, tzinfo=UTC)


def test_a_period_renews_at_local_midnight_and_once(aws: EmbeddedAws) -> None:
    room = monthly(SOLD)
    manage_subscription.adjust(lambda: Unit(COMPANY), room.subscription.id, Correction(-1, "test"), lambda: SOLD)
    assert close(FEBRUARY.replace(hour=22, minute=59)) == 0
    assert [close(FEBRUARY.replace(minute=1)), close(FEBRUARY.replace(minute=2))] == [1, 0]
    renewed = subscription(room)
    assert (renewed.period, renewed.period_starts_at, renewed.sessions_remaining) == (1, FEBRUARY, 3)
    assert [(e.amount, e.reason) for e in store.ledger(COMPANY, renewed.id)[2:]] == [(-2, "lapse"), (3, "renewal")]
    assert room.left() == 3


def test_what_is_left_may_carry_over(aws: EmbeddedAws) -> None:
    room = monthly(SOLD, carries_over=True)
    close(FEBRUARY.replace(minute=1))
    assert (subscription(room).sessions_remaining, subscription(room).sessions_total) == (6, 6)
    assert room.left() == 6


def test_periods_that_were_missed_follow_each_other(aws: EmbeddedAws) -> None:
    room = monthly(SOLD)
    close(datetime(2026, 6, 1, tzinfo=UTC))
    assert subscription(room).period == 4
    assert sum(entry.reason == "renewal" for entry in store.ledger(COMPANY, room.subscription.id)) == 4
    assert room.left() == 3


def test_what_does_not_renew_expires_and_another_may_follow(aws: EmbeddedAws) -> None:
    room = monthly(SOLD)
    path = f"/api/subscriptions/{room.subscription.id}"
    manage_subscription.set_renewal(lambda: Unit(COMPANY), room.subscription.id, False, lambda: SOLD)
    plan = request("POST", "/api/plans", PLAN).json
    body = {"patient_id": room.patient.customer_id, "plan_id": plan["id"]}
    # By now its period is over, whether or not the schedule has run.
    other = request("POST", "/api/subscriptions", body)
    assert other.status == 201, other
    old = subscription(room)
    assert (old.status, old.sessions_remaining, room.left()) == ("expired", 0, 0)
    for action, sent in (("grants", {"sessions": 1, "reason": "x"}), ("adjustments", {"amount": 1, "reason": "x"})):
        assert request("POST", f"{path}/{action}", sent).json["code"] == "expired"
    assert request("PUT", f"{path}/renewal", {"renews": True}).json["code"] == "expired"
    assert call("GET", "/portal/subscription", caller=room.caller()).json["id"] == other.json["id"]


def test_renewal_can_be_switched_off_and_on(aws: EmbeddedAws) -> None:
    room = furnish(3, starts_at=now(), period="month")
    path = f"/api/subscriptions/{room.subscription.id}/renewal"
    assert [request("PUT", path, {"renews": on}).json["renews"] for on in (False, True)] == [False, True]


def test_an_expiry_ends_a_session_gracefully(aws: EmbeddedAws) -> None:
    room = monthly(datetime(2026, 1, 27, 12, tzinfo=UTC))
    manage_subscription.set_renewal(lambda: Unit(COMPANY), room.subscription.id, False, lambda: room.at)
    room.at = datetime(2026, 2, 26, 22, 45, tzinfo=UTC)
    room.appointment = text_appointment(room.appointment.customer_id, room.appointment.staff_id, room.at)
    room.start()
    room.active()
    room.at = datetime(2026, 2, 26, 22, 55, tzinfo=UTC)
    room.tick()
    assert room.session().sessions_used == 2
    room.at = datetime(2026, 2, 26, 23, 4, tzinfo=UTC)  # the third interval would begin at 23:05, after the expiry
    assert room.sweep() == 1
    assert room.session().notified_interval == 2
    room.at = datetime(2026, 2, 26, 23, 6, tzinfo=UTC)
    room.sweep()
    assert (room.session().end_reason, subscription(room).status, room.left()) == ("none_left", "expired", 0)
