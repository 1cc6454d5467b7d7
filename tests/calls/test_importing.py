"""Calls pulled from Retell become the records that its webhooks would have made, once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.calls import list_store, store
from chalicelib.calls.import_calls import Imported, import_calls
from chalicelib.calls.tables import CallRow
from chalicelib.core.inbox import PLATFORM
from chalicelib.core.unit import Unit
from chalicelib.vendors.retell.calls import RetellCalls
from infra.local.demo_practice import Practice
from infra.local.simulators.retell.simulator import RetellSimulator
from tests.calls.backlog import BERLIN, COMPANY, details

SINCE = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def retell_sim() -> Iterator[RetellSimulator]:
    simulator = RetellSimulator("key_test")
    simulator.start()
    yield simulator
    simulator.stop()


def happened(simulator: RetellSimulator, number: int, **fields: Any) -> str:
    begun = SINCE + timedelta(hours=number)
    return str(
        simulator.calls.register(
            to_number=BERLIN, from_number="+4915112345678", call_status="ended",
            start_timestamp=round(begun.timestamp() * 1000), transcript="User: Hi",
            recording_url=f"https://r.invalid/{number}.wav",
            call_analysis={"call_summary": "Done.", "user_sentiment": "Positive", "custom_analysis_data": {}}, **fields,
        )["call_id"]
    )  # fmt: skip


def pull(simulator: RetellSimulator, version: str = "v3", **more: Any) -> list[Imported]:
    client = RetellCalls("key_test", simulator.url, version)
    try:
        return list(import_calls(client, more.pop("since", SINCE), Unit, more.pop("wait", lambda _: None), **more))
    finally:
        client.close()


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_calls_are_recorded_whole_and_once(
    practice: Practice, retell_sim: RetellSimulator, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.vendors.retell import calls as retell_calls

    monkeypatch.setattr(retell_calls, "PAGE_SIZE", 2)
    ids = [happened(retell_sim, number) for number in range(5)]
    happened(retell_sim, -1)
    assert [(one.retell_call_id, one.done) for one in pull(retell_sim, version)] == [(each, "added") for each in ids]
    for each in ids:
        found, transcript = store.read_call(COMPANY, each)
        assert (found.facts.status, found.facts.recording_url is not None) == ("ended", True)
        assert transcript is not None
    stored = sorted((row.pk, row.sk, row.version) for row in CallRow.scan())
    before = len(retell_sim.requests)
    assert {one.done for one in pull(retell_sim, version)} == {"unchanged"}
    assert sorted((row.pk, row.sk, row.version) for row in CallRow.scan()) == stored
    assert len(retell_sim.requests) - before == 3  # the list alone: what is complete is not asked for again


def test_it_goes_on_after_being_stopped(practice: Practice, retell_sim: RetellSimulator) -> None:
    ids = [happened(retell_sim, number) for number in range(3)]
    client = RetellCalls("key_test", retell_sim.url)
    first = next(import_calls(client, SINCE, Unit, lambda _: None))
    client.close()
    assert first.started_at is not None
    rest = pull(retell_sim, since=first.started_at)
    assert [(one.retell_call_id, one.done) for one in rest] == [
        (ids[0], "unchanged"),
        (ids[1], "added"),
        (ids[2], "added"),
    ]


def test_a_webhook_that_came_is_completed(practice: Practice, retell_sim: RetellSimulator) -> None:
    from chalicelib.calls import record_call
    from chalicelib.vendors.retell.webhook import RetellCall

    each = happened(retell_sim, 1)
    record_call.record(RetellCall(call_id=each, to_number=BERLIN, call_status="ongoing"), Unit)
    assert [one.done for one in pull(retell_sim)] == ["updated"]
    assert store.get_call(COMPANY, each).facts.summary == "Done."


def test_bookings_come_along(practice: Practice, retell_sim: RetellSimulator) -> None:
    each = happened(retell_sim, 1)
    retell_sim.calls.all[each]["call_analysis"]["custom_analysis_data"] = details()
    pull(retell_sim)
    assert list_store.count_backlog(COMPANY) == 1


def test_only_the_companys_calls_where_one_is_named(practice: Practice, retell_sim: RetellSimulator) -> None:
    mine = happened(retell_sim, 1)
    retell_sim.calls.all[happened(retell_sim, 2)]["to_number"] = "+12025550000"
    assert [one.done for one in pull(retell_sim, company_id=COMPANY)] == ["added", "others"]
    assert [one.done for one in pull(retell_sim)] == ["unchanged", "added"]
    assert store.find_call(COMPANY, mine) is not None
    assert len(list(list_store.calls_after(PLATFORM, "0"))) == 1


def test_a_call_of_no_known_shape_does_not_stop_the_others(practice: Practice, retell_sim: RetellSimulator) -> None:
    bad = happened(retell_sim, 1)
    retell_sim.calls.all[bad]["duration_ms"] = "long"
    happened(retell_sim, 2)
    first, second = pull(retell_sim)
    assert (first.retell_call_id, first.done, second.done) == (bad, "failed", "added")
    assert first.reason


def test_retell_is_left_in_peace_when_it_asks_for_it(practice: Practice, retell_sim: RetellSimulator) -> None:
    each = happened(retell_sim, 1)
    retell_sim.fault(path=f"/v2/get-call/{each}", method="GET", status=429, times=2, headers={"Retry-After": "7"})
    waits: list[float] = []
    assert [one.done for one in pull(retell_sim, wait=waits.append)] == ["added"]
    assert waits == [7, 7]


def test_a_call_that_retell_lost_is_told(practice: Practice, retell_sim: RetellSimulator) -> None:
    each = happened(retell_sim, 1)
    retell_sim.fault(path=f"/v2/get-call/{each}", method="GET", status=404, times=1)
    [one] = pull(retell_sim)
    assert (one.done, (one.reason or "").partition(":")[0]) == ("failed", "retell_not_found")
