"""Series over HTTP: checked, booked, shown, moved and cancelled; by visitors."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.booking.series import book as series_book
from chalicelib.booking.series.series import Series
from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from functions.booking import visitor_series
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, Caller, call
from tests.booking.test_refusing import opened
from tests.conftest import EmbeddedAws
from tests.draining import drain

ME = Caller("com_test")


def first() -> datetime:
    """A Monday at 10 in New York, in two to three weeks; clocks may change between the weeks that follow."""
    day = now() + timedelta(days=14 - now().weekday())
    return day.replace(hour=15, minute=0, second=0, microsecond=0)


def series(practice: Practice, **fields: Any) -> dict[str, Any]:
    known = {
        "branch_id": practice.branches[1].id,
        "service": "Haircut",
        "starts_at": first().isoformat(),
        "recurrence": {"frequency": "weekly", "count": 3},
        "staff": "Dan Rossi",
        "customer": {"name": "Eve", "phone": "+12125550199"},
    }
    return {name: value for name, value in (known | fields).items() if value is not None}


def post(path: str, body: dict[str, Any], **fields: Any) -> Answer:
    return call("POST", path, caller=ME, body=body, **fields)


def take_the_second(practice: Practice) -> None:
    second = post("/api/series/check", series(practice)).json["occurrences"][1]["starts_at"]
    wish = {"customer": {"phone": "+12125550198"}, "starts_at": second, "recurrence": None}
    assert post("/api/appointments", series(practice, **wish)).status == 201


def test_a_series_is_checked_booked_shown_moved_and_cancelled(practice: Practice) -> None:
    take_the_second(practice)
    checked = post("/api/series/check", series(practice, customer=None))
    assert checked.status == 200, checked
    assert (checked.json["zone"], checked.json["bookable"]) == ("America/New_York", 2)
    assert [one["bookable"] for one in checked.json["occurrences"]] == [True, False, True]
    assert {one["starts_at"][11:16] for one in checked.json["occurrences"]} == {
        checked.json["occurrences"][0]["starts_at"][11:16]
    }
    refused = post("/api/series", series(practice))
    assert (refused.status, refused.json["code"]) == (409, "series_conflict")
    assert len(refused.json["occurrences"][1]["alternatives"]) == 3
    key = {"Idempotency-Key": "series-1"}
    made = post("/api/series", series(practice, on_conflict="skip"), headers=key)
    assert made.status == 201, made
    assert [one["outcome"] for one in made.json["occurrences"]] == ["booked", "conflict", "booked"]
    assert len(made.json["occurrences"][1]["alternatives"]) == 3
    assert post("/api/series", series(practice, on_conflict="skip"), headers=key).json == made.json
    path = f"/api/series/{made.json['id']}"
    shown = call("GET", path, caller=ME).json
    assert [one["status"] for one in shown["occurrences"]] == ["confirmed", None, "confirmed"]
    told = made.json["occurrences"][0]
    booked = call("GET", f"/api/appointments/{told['appointment_id']}", caller=ME).json
    assert booked["series_id"] == made.json["id"]
    listed = call("GET", "/api/series", caller=ME, query={"customer_id": booked["customer_id"]}).json["data"]
    assert [one["id"] for one in listed] == [made.json["id"]]
    later = (first() + timedelta(hours=2)).isoformat()
    change = {"appointment_id": told["appointment_id"], "scope": "following", "starts_at": later, "version": 1}
    moved = post(f"{path}/reschedule", change, headers=key)
    assert (moved.status, moved.json["change"]["finished"]) == (200, True), moved
    assert [one["outcome"] for one in moved.json["change"]["outcomes"]] == ["done", "done"]
    assert {one["starts_at"][11:13] for one in moved.json["occurrences"] if one["appointment_id"]} != {"10"}
    assert post(f"{path}/reschedule", change, headers=key).json == moved.json
    stale = post(f"{path}/cancel", {"appointment_id": told["appointment_id"], "scope": "all", "version": 1})
    assert (stale.status, stale.json["code"], stale.json["current"]["version"]) == (409, "stale_version", 2)
    gone = post(f"{path}/cancel", {"appointment_id": told["appointment_id"], "scope": "all"})
    assert [one["status"] for one in gone.json["occurrences"]] == ["cancelled", None, "cancelled"]
    drain()


@pytest.mark.parametrize("on_conflict", ["none", "skip"])
def test_who_is_overtaken_while_holding_starts_again_and_the_key_keeps_the_last_answer(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, on_conflict: str
) -> None:
    monkeypatch.setattr(series_book, "MOST_HELD_AT_ONCE", 1)
    original = series_book._take
    met: list[str] = []

    def meet(unit: Unit, held: Series, plan: Any, calendars: Any) -> None:
        if len(held.held_in) == 2 and not met:
            body = {"customer": {"phone": "+12125550198"}, "recurrence": None}
            starts_at = held.occurrences[1].starts_at.isoformat()
            met.append(post("/api/appointments", series(practice, starts_at=starts_at, **body)).json["id"])
        original(unit, held, plan, calendars)

    monkeypatch.setattr(series_book, "_take", meet)
    key, body = {"Idempotency-Key": "overtaken"}, series(practice, on_conflict=on_conflict)
    first_answer = post("/api/series", body, headers=key)
    if on_conflict == "skip":
        assert [one["outcome"] for one in first_answer.json["occurrences"]] == ["booked", "conflict", "booked"]
        assert post("/api/series", body, headers=key).json == first_answer.json
        return
    assert (first_answer.status, first_answer.json["code"]) == (409, "series_conflict")
    assert post(f"/api/appointments/{met[0]}/cancel", {}).status == 200
    again = post("/api/series", body, headers=key)
    assert [one["outcome"] for one in again.json["occurrences"]] == ["booked"] * 3
    statuses = {one["status"] for one in call("GET", "/api/series", caller=ME).json["data"]}
    assert statuses == {"failed", "booked"}


BAD: tuple[tuple[dict[str, Any], str], ...] = (
    ({"recurrence": {"frequency": "weekly"}}, "body.recurrence.count"),
    ({"recurrence": {"frequency": "weekly", "count": 0}}, "body.recurrence.count"),
    ({"recurrence": {"frequency": "weekly", "count": 101}}, "body.recurrence.count"),
    ({"recurrence": {"frequency": "hourly", "count": 2}}, "body.recurrence.frequency"),
    ({"recurrence": {"frequency": "custom", "rrule": "FREQ=HOURLY", "count": 2}}, "body.recurrence.rrule"),
    ({"recurrence": {"frequency": "weekly", "until": "2020-01-01"}}, "body.recurrence.until"),
    (
        {"recurrence": {"frequency": "daily", "count": 1, "excluded": [f"{first():%Y-%m-%d}"]}},
        "body.recurrence.excluded",
    ),
    ({"recurrence": {"frequency": "custom", "rrule": "FREQ=WEEKLY;BYDAY=SU", "count": 2}}, "body.starts_at"),
    ({"starts_at": "2020-01-06T10:00:00Z"}, "body.starts_at"),
    ({"service": "Nothing"}, "body.service"),
    ({"staff": "Nobody"}, "body.staff"),
)  # fmt: skip


def test_what_is_no_series_names_its_field(practice: Practice) -> None:
    for fields, path in BAD:
        for endpoint in ("/api/series/check", "/api/series"):
            refused = post(endpoint, series(practice, **fields))
            assert refused.status == 422, (fields, refused)
            assert [fault["path"] for fault in refused.json["errors"]] == [path], refused
    assert post("/api/series", series(practice, customer=None)).json["errors"][0]["path"] == "body.customer"
    assert post("/api/series/check", series(practice, branch_id="bra_nowhere")).status == 404
    made = post("/api/series", series(practice)).json
    path, told = f"/api/series/{made['id']}", made["occurrences"][0]["appointment_id"]
    assert (
        post(f"{path}/reschedule", {"appointment_id": told, "scope": "all"}).json["errors"][0]["path"]
        == "body.starts_at"
    )
    assert (
        post(f"{path}/cancel", {"appointment_id": "apt_none", "scope": "all"}).json["code"] == "appointment_not_found"
    )
    assert (
        post("/api/series/ser_none/cancel", {"appointment_id": told, "scope": "all"}).json["code"] == "series_not_found"
    )


def test_overriding_a_rule_takes_the_ability(practice: Practice) -> None:
    far = series(practice, recurrence={"frequency": "every_two_weeks", "count": 8}, override=["maximum_advance"])
    weak = call("POST", "/api/series", caller=Caller("com_test", abilities="appointments:write"), body=far)
    assert weak.status == 403
    assert post("/api/series", far).status == 201


def visit(path: str, practice: Practice, **fields: Any) -> Answer:
    body = series(practice, **fields)
    if path.endswith("check"):
        body.pop("customer")
    return call("POST", path, body=body)


def test_visitors_book_series_of_what_is_offered_as_recurring_and_learn_no_reasons(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice = opened({"category": "recurring"})
    take_the_second(practice)
    block = {"phone": "+12125550197", "reason": "Rude"}
    assert call("PUT", "/api/blocklist", caller=ME, body=block).status == 200
    checked = visit("/public/series/check", practice)
    assert [one["bookable"] for one in checked.json["occurrences"]] == [True, False, True], checked
    blocked = visit("/public/series", practice, customer={"phone": "+12125550197"})
    assert (blocked.status, blocked.json["code"]) == (409, "series_conflict")
    assert {(one["code"], len(one["failures"])) for one in blocked.json["occurrences"]} == {("not_bookable", 0)}
    made = visit("/public/series", practice, on_conflict="skip")
    assert made.status == 201, made
    assert [one["outcome"] for one in made.json["occurrences"]] == ["booked", "conflict", "booked"]
    assert "Eve" not in made.text
    assert "customer_id" not in made.text
    assert (
        visit("/public/series/check", practice, service="Consultation", staff=None).json["errors"][0]["code"]
        == "not_in_series"
    )
    monkeypatch.setattr(visitor_series, "SERIES_A_MINUTE", 0)
    assert visit("/public/series", practice).status == 429
