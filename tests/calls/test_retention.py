"""Retention: what a company keeps for a time only goes after that time, and does not come back."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from chalicelib.calls import retention, store
from chalicelib.calls.call import Call
from chalicelib.calls.jobs import ForgetRecordings
from chalicelib.calls.tables import CallRow
from chalicelib.core.clock import Clock, now
from chalicelib.core.inbox import PLATFORM
from chalicelib.core.jobs import JobContext
from chalicelib.core.rows import InboxRow, OutboxRow
from chalicelib.core.unit import Unit
from chalicelib.identity.create_company import NewCompany, Person, create_company
from functions.calls.schedules import forget_recordings
from infra.local.demo_practice import Practice
from infra.local.invoking import Caller, call
from tests.calls.backlog import COMPANY, recorded
from tests.calls.conftest import signed
from tests.draining import drain

ADMIN = Caller(COMPANY)
Forget = Callable[..., None]


def keep(days: int | None, version: int = 0) -> int:
    body = {"keep_recordings_days": days, "version": version}
    return call("PUT", "/api/settings/calls", caller=ADMIN, body=body).status


def forget(days_later: float, company_id: str = COMPANY) -> None:
    clock: Clock = lambda: now() + timedelta(days=days_later)  # noqa: E731
    context = JobContext("job", 1, False, "cor", company_id, clock)
    retention.forget(ForgetRecordings(company_id=company_id), context)


def is_whole(made: Call) -> bool:
    _, transcript = store.read_call(made.company_id or PLATFORM, made.id)
    kept = store.calls_at(made.company_id or PLATFORM, [made.id])[0]
    assert (transcript is not None) == kept.facts.has_transcript == (kept.facts.recording_url is not None)
    return transcript is not None


def test_settings_are_versioned(practice: Practice) -> None:
    assert call("GET", "/api/settings/calls", caller=ADMIN).json == {"keep_recordings_days": None, "version": 0}
    assert keep(30) == 200
    assert keep(60) == 409
    assert keep(None, 1) == 200
    assert call("GET", "/api/settings/calls", caller=ADMIN).json == {"keep_recordings_days": None, "version": 2}
    assert keep(0, 2) == 422


def test_what_is_old_enough_goes_and_the_rest_stays(practice: Practice) -> None:
    old, new = recorded(1, {}, start_timestamp=round((now() - timedelta(days=3)).timestamp() * 1000)), recorded(2, {})
    keep(10)
    forget(6.5)
    assert (is_whole(old), is_whole(new)) == (True, True)
    forget(7.5)
    assert (is_whole(old), is_whole(new)) == (False, True)
    shown = call("GET", f"/api/calls/{old.id}", caller=ADMIN).json
    assert (shown["recording_url"], shown["turns"], shown["summary"]) == (None, [], "Booked.")
    assert shown["erased_at"] is not None
    forget(7.5)  # again: nothing is left to do
    forget(11)
    assert not is_whole(new)


def test_it_does_not_come_back(practice: Practice) -> None:
    made = recorded(1, {})
    keep(1)
    forget(2)
    recorded(1, {}, duration_ms=77)
    assert not is_whole(made)
    assert store.get_call(COMPANY, made.id).facts.duration_ms == 77


def test_the_webhooks_body_goes_with_it(practice: Practice) -> None:
    body = {"call_id": "retell-1", "to_number": "+493055501000", "call_status": "ended", "transcript": "User: Hi"}
    for event in ("call_started", "call_ended", "call_analyzed"):
        signed("/webhooks/retell", {"event": event, "call": body})
    drain()
    keep(1)
    forget(2)
    assert [row.kind for row in InboxRow.scan()] == ["call_started"]


def test_without_a_setting_nothing_goes(practice: Practice) -> None:
    made = recorded(1, {})
    forget(4000)
    assert is_whole(made)


def test_calls_of_nobodys_are_kept_for_a_time(practice: Practice) -> None:
    made = recorded(1, {}, to_number="+12025550000")
    forget(89, PLATFORM)
    assert is_whole(made)
    forget(91, PLATFORM)
    assert not is_whole(made)


def test_a_long_night_goes_on_in_another_job(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MOST_AT_ONCE", 2)
    for number in range(5):
        recorded(number, {})
    keep(1)
    forget(2)
    assert len([row for row in CallRow.scan() if row.packed]) == 3
    assert [row.type for row in OutboxRow.scan() if row.type.startswith("job:")] == ["job:calls.ForgetRecordings"]
    forget(2)
    forget(2)
    assert [row for row in CallRow.scan() if row.packed or row.kept] == []


def test_the_schedule_leaves_a_job_for_whoever_has_a_setting(practice: Practice) -> None:
    for company_id in (COMPANY, "com_other"):
        create_company(
            NewCompany("Company", id=company_id),
            Person("Ada", f"{company_id}@example.com", "correct horse battery"),
            now,
        )
    keep(5)
    assert retention.spread([COMPANY, "com_other"], Unit) == 2  # the company's and the platform's
    forget_recordings({"id": "i", "detail-type": "t", "source": "s", "account": "a", "time": "t", "region": "r",
                       "resources": [], "detail": {}, "version": "0"}, None)  # fmt: skip
    drain()
