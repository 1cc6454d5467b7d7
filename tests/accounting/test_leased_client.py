"""Calling FIC: whatever any number of workers do, one renews a token and all together keep to the quota."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.accounting import account_store, accounts
from chalicelib.accounting.account import Account
from chalicelib.accounting.leased_client import calls_left, leased_client
from chalicelib.core import aws as clients
from chalicelib.core import vault
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, NotFound, RateLimited, Unavailable, VendorRefused
from chalicelib.core.unit import Unit
from chalicelib.identity.create_company import NewCompany, Person, add_member, create_company
from infra.local.simulators.fattureincloud.simulator import COMPANY, FattureInCloudSimulator
from tests.conftest import EmbeddedAws
from tests.draining import drain
from tests.races.together import many_at_once
from tests.sizes import ROUNDS

from .test_accounts import by_hand, connect

THREADS = 32


def now() -> datetime:
    return datetime.now(UTC)


def later(**ahead: float) -> Clock:
    return lambda: datetime.now(UTC) + timedelta(**ahead)


def new_unit() -> Unit:
    return Unit("com_test")


def spend(account: Account, clock: Clock = now, calls: int = 1) -> int:
    with leased_client("com_test", account, new_unit, clock, calls) as client:
        return client.page(COMPANY, "suppliers", 1, per_page=1).total


def at_once(work: Callable[[int], Any], threads: int = THREADS) -> list[Any]:
    return many_at_once(work, threads)


@pytest.fixture
def by_oauth(aws: EmbeddedAws, fic: FattureInCloudSimulator) -> Account:
    return connect()


@pytest.fixture
def manual(aws: EmbeddedAws, fic: FattureInCloudSimulator) -> Account:
    return by_hand(fic)


def test_a_call_costs_one_read_and_one_update(manual: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    spend(manual)  # begins a slot, like the first of every fifteen seconds
    calls: list[str] = []
    monkeypatch.setattr(clients, "call_hooks", [lambda when, name: calls.append(name) if when == "before" else None])
    assert spend(manual) == 60
    assert calls == ["dynamodb.BatchGetItem", "dynamodb.UpdateItem"]


@pytest.mark.slow
@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_all_workers_together_keep_to_the_quota(
    manual: Account, fic: FattureInCloudSimulator, monkeypatch: pytest.MonkeyPatch, round_number: int
) -> None:
    granted = at_once(lambda n: _take_until_refused(manual, 1 + n % 7))
    assert sum(granted) <= 300
    assert sum(granted) > 300 - 7
    assert calls_left(manual, now) == 300 - sum(granted)


def _take_until_refused(account: Account, calls: int) -> int:
    taken = 0
    while True:
        try:
            with leased_client("com_test", account, new_unit, now, calls):
                taken += calls
        except RateLimited as wait:
            if wait.code != "fic_quota":
                raise
            if wait.retry_after > 1:  # 1: others were faster
                return taken


@pytest.mark.slow
@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_one_of_all_workers_renews(by_oauth: Account, fic: FattureInCloudSimulator, round_number: int) -> None:
    before = fic.access.refreshes
    outcomes = at_once(lambda n: spend(by_oauth, later(hours=23, minutes=55)))
    assert fic.access.refreshes == before + 1
    assert set(outcomes) == {60}, outcomes  # the old token holds until it ends


@pytest.mark.slow
def test_one_of_all_workers_renews_a_token_that_has_ended(by_oauth: Account, fic: FattureInCloudSimulator) -> None:
    fic.access.expire()
    outcomes = at_once(lambda n: spend(by_oauth, later(hours=25)))
    assert fic.access.refreshes == 1
    waiting = [o for o in outcomes if isinstance(o, RateLimited)]
    assert {o.code for o in waiting} <= {"fic_token_renewing"}
    assert [o for o in outcomes if o not in waiting] == [60] * (THREADS - len(waiting))
    assert len(waiting) < THREADS
    assert spend(by_oauth, later(hours=25)) == 60


def test_a_renewal_keeps_the_refresh_token_that_came_back(by_oauth: Account, fic: FattureInCloudSimulator) -> None:
    for days in (1, 2, 3):
        assert spend(by_oauth, later(days=days)) == 60
    assert fic.access.refreshes == 3


def test_a_token_that_fic_drops_early_is_renewed(by_oauth: Account, fic: FattureInCloudSimulator) -> None:
    fic.access.expire()
    with pytest.raises(RateLimited) as wait:
        spend(by_oauth, later(hours=1))
    assert (wait.value.code, wait.value.retry_after) == ("fic_token_renewed", 1)
    assert spend(by_oauth, later(hours=1)) == 60
    assert status(by_oauth) == "connected"


def test_a_renewal_without_an_answer_leaves_the_old_token_in_use(
    by_oauth: Account, fic: FattureInCloudSimulator
) -> None:
    fic.fault(path="/oauth/token", status=503, times=None)
    assert spend(by_oauth, later(hours=23, minutes=55)) == 60
    assert spend(by_oauth, later(hours=23, minutes=55, seconds=30)) == 60
    renewals = [one for one in fic.requests if one["path"] == "/oauth/token"]
    assert len(renewals) == 2  # the code, and one renewal: nobody hammers


def test_a_renewal_without_an_answer_is_tried_again_once_the_lease_has_lapsed(
    by_oauth: Account, fic: FattureInCloudSimulator
) -> None:
    fic.fault(path="/oauth/token", drop=True)
    with pytest.raises(Unavailable):
        spend(by_oauth, later(hours=25))
    assert spend(by_oauth, later(hours=25, minutes=2)) == 60


def test_a_refused_renewal_asks_for_a_person_once(by_oauth: Account, fic: FattureInCloudSimulator) -> None:
    fic.access.revoke()
    outcomes = at_once(lambda n: spend(by_oauth, later(hours=25)), 8)
    assert status(by_oauth) == "needs_reconnection"
    refused = [o for o in outcomes if isinstance(o, VendorRefused)]
    assert [o.code for o in refused] == ["fic_grant_refused"]
    with pytest.raises(Conflict, match="fic_not_connected"):
        spend(account_store.get_account("com_test", by_oauth.id), later(hours=26))


def test_a_revoked_token_made_by_hand_needs_a_person(manual: Account, fic: FattureInCloudSimulator) -> None:
    fic.access.revoke()
    outcomes = at_once(lambda n: spend(manual), 8)
    assert {o.code for o in outcomes} <= {"fic_unauthorized", "storage_busy", "stale"}
    assert status(manual) == "needs_reconnection"


def test_the_admins_are_told_once(aws: EmbeddedAws, fic: FattureInCloudSimulator) -> None:
    password = "correct horse battery"
    create_company(NewCompany("Salon Rosa", id="com_test"), Person("Ada", "ada@example.com", password), now)
    add_member("com_test", Person("Bea", "bea@example.com", password), "admin", now)
    add_member("com_test", Person("Cleo", "cleo@example.com", password), "staff", now)
    drain()
    account = by_hand(fic)
    fic.access.revoke()
    at_once(lambda n: spend(account), 4)
    drain()
    drain()
    assert sorted(mailed(aws)) == [("ada@example.com", True), ("bea@example.com", True)]


def test_a_revoked_connection_comes_back_with_a_person(by_oauth: Account, fic: FattureInCloudSimulator) -> None:
    fic.access.revoke()
    with pytest.raises(VendorRefused):
        spend(by_oauth, later(hours=25))
    again = connect()
    assert (again.id, again.status) == (by_oauth.id, "connected")
    assert spend(again) == 60


@pytest.mark.parametrize(("window", "status_code"), [("short", 429), ("hour", 403)])
def test_what_fic_refuses_is_refused_here_until_it_said(
    manual: Account, fic: FattureInCloudSimulator, window: str, status_code: int
) -> None:
    getattr(fic.quotas[COMPANY], window).calls = 2
    for _ in range(2):
        spend(manual)
    with pytest.raises(RateLimited) as wait:
        spend(manual)
    assert wait.value.code == "fic_rate_limited"
    assert fic.requests[-1]["status"] == status_code
    renewals = len(fic.requests)
    with pytest.raises(RateLimited) as again:
        spend(manual)
    assert again.value.code == "fic_quota"
    assert 0 < again.value.retry_after <= wait.value.retry_after
    assert len(fic.requests) == renewals
    assert calls_left(manual, now) == 0


def test_a_missing_permission_is_no_quota(by_oauth: Account, fic: FattureInCloudSimulator) -> None:
    with pytest.raises(VendorRefused) as refused, leased_client("com_test", by_oauth, new_unit, now) as client:
        client._send("POST", f"/c/{COMPANY}/entities/clients", body={"data": {"name": "Nobody"}})
    assert refused.value.code == "fic_forbidden"
    assert spend(by_oauth) == 60


def test_more_workers_than_the_quota_row_bears_come_back(manual: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_store, "begin_slot", lambda *args: False)
    with pytest.raises(RateLimited) as wait:
        spend(manual)
    assert wait.value.retry_after == 1


def test_an_account_is_found_by_id_or_number_of_its_own_company(aws: EmbeddedAws, fic: FattureInCloudSimulator) -> None:
    account = by_hand(fic, legacy_id=1)
    for ref in (account.id, "1"):
        with leased_client("com_test", ref, new_unit, now) as client:
            assert client.companies()[0].id == COMPANY
        with pytest.raises(NotFound), leased_client("com_other", ref, new_unit, now):
            pass


def test_a_disconnected_account_calls_nobody(manual: Account, fic: FattureInCloudSimulator) -> None:
    gone = accounts.disconnect(new_unit, manual.id, now)
    for account in (manual, gone):
        with pytest.raises(Conflict, match="fic_not_connected"):
            spend(account)


def test_credentials_moved_to_another_company_do_not_open(manual: Account) -> None:
    held = account_store.find_connection("com_test", manual.connection_id or "")
    assert held is not None
    vault.forget()
    with pytest.raises(Unavailable, match="vault_closed"):
        vault.unseal("com_other", held.connection.id, held.sealed)


def status(account: Account) -> str:
    return account_store.get_account("com_test", account.id).status


def mailed(aws: EmbeddedAws) -> list[tuple[str, bool]]:
    """To whom, and whether it is about connecting again."""
    import urllib.request

    with urllib.request.urlopen(f"{aws.url}/_ministack/ses/messages") as answer:
        sent = json.load(answer)["messages"].get(aws.account, [])
    return [(to, "connect Fatture in Cloud again" in json.dumps(one)) for one in sent for to in _to(one)]


def _to(mail: Any) -> list[str]:
    found = mail.get("To") or mail.get("Destination", {}).get("ToAddresses") or []
    return [found] if isinstance(found, str) else list(found)
