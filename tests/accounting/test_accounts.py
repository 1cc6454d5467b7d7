"""Accounts of Fatture in Cloud: connected by OAuth and by hand, given up, brought back; tokens only ever sealed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from chalicelib.accounting import account_store, accounts
from chalicelib.accounting.account import Account
from chalicelib.accounting.accounts import Arrival, HandMadeToken
from chalicelib.accounting.leased_client import leased_client
from chalicelib.accounting.tables import AccountRow
from chalicelib.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, VendorRefused
from chalicelib.core.rows import AuditRow, DirectoryRow, OutboxRow
from chalicelib.core.unit import Unit
from infra.local.simulators.fattureincloud.simulator import COMPANY, FattureInCloudSimulator
from tests.conftest import EmbeddedAws

pytestmark = pytest.mark.usefixtures("aws", "fic")


def clock() -> datetime:
    return datetime.now(UTC)


def new_unit() -> Unit:
    return Unit("com_test")


def go_and_allow(company: str = "com_test") -> Arrival:
    """What a browser brings back after the person said yes."""
    invitation = accounts.invite(Unit(company), "usr_ada", clock)
    page = requests.get(invitation.url, timeout=5).text
    assert "Allow" in page
    allowed = invitation.url.replace("/authorize?", "/allow?")
    back = requests.get(allowed, timeout=5, allow_redirects=False).headers["Location"]
    said = parse_qs(urlsplit(back).query)
    return Arrival(state=said["state"][0], code=said["code"][0])


def connect(company: str = "com_test") -> Account:
    (account,) = accounts.arrive(go_and_allow(company), Unit, clock)
    return account


def by_hand(fic: FattureInCloudSimulator, company: str = "com_test", **more: int) -> Account:
    return accounts.connect_with_token(
        lambda: Unit(company), HandMadeToken(token=fic.manual_token, user_id="usr_ada", **more), clock
    )


def works(account: Account) -> bool:
    with leased_client("com_test", account.id, new_unit, clock) as client:
        return client.page(COMPANY, "clients", 1, per_page=1).total == 500


@pytest.fixture
def two_companies(fic: FattureInCloudSimulator) -> Iterator[int]:
    fic.resize(7, clients=3)
    yield 7
    del fic.books[7]


def test_a_person_connects_an_account(fic: FattureInCloudSimulator) -> None:
    account = connect()
    assert (account.fic_company_id, account.status, account.kind) == (COMPANY, "connected", "oauth")
    assert (account.name, account.connected_by) == ("Studio Demo S.r.l.", "usr_ada")
    assert account_store.accounts("com_test") == [account]
    assert account_store.whose(account.id) == ("com_test", account.id)
    assert works(account)


def test_the_state_works_once(fic: FattureInCloudSimulator) -> None:
    arrival = go_and_allow()
    accounts.arrive(arrival, Unit, clock)
    before = len(fic.requests)
    with pytest.raises(NotFound, match="unknown_state"):
        accounts.arrive(arrival, Unit, clock)
    assert len(fic.requests) == before


def test_a_state_nobody_was_given_is_refused() -> None:
    with pytest.raises(NotFound, match="unknown_state"):
        accounts.arrive(Arrival(state="guessed", code="c/x"), Unit, clock)


def test_the_state_expires() -> None:
    arrival = go_and_allow()
    with pytest.raises(NotFound, match="unknown_state"):
        accounts.arrive(arrival, Unit, lambda: clock() + timedelta(minutes=11))


def test_a_state_leads_to_the_company_of_the_user_who_asked_for_it() -> None:
    assert connect("com_other").company_id == "com_other"
    assert account_store.accounts("com_test") == []


def test_whoever_says_no_connects_nothing_and_uses_the_state_up() -> None:
    arrival = go_and_allow()
    with pytest.raises(Forbidden, match="fic_access_denied"):
        accounts.arrive(Arrival(state=arrival.state, error="access_denied"), Unit, clock)
    with pytest.raises(NotFound):
        accounts.arrive(arrival, Unit, clock)


def test_a_code_that_fic_does_not_know_connects_nothing() -> None:
    arrival = go_and_allow()
    with pytest.raises(VendorRefused, match="fic_grant_refused"):
        accounts.arrive(Arrival(state=arrival.state, code="c/other"), Unit, clock)
    assert account_store.accounts("com_test") == []


def test_a_wrong_secret_of_ours_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    arrival = go_and_allow()
    monkeypatch.setenv("FIC_CLIENT_SECRET", "wrong")
    with pytest.raises(VendorRefused, match="fic_client_refused"):
        accounts.arrive(arrival, Unit, clock)


def test_everything_that_was_allowed_is_connected_through_one_connection(two_companies: int) -> None:
    found = accounts.arrive(go_and_allow(), Unit, clock)
    assert [account.fic_company_id for account in found] == [COMPANY, two_companies]
    assert len({account.connection_id for account in found}) == 1


def test_more_companies_than_one_transaction_takes(fic: FattureInCloudSimulator) -> None:
    for number in range(1, 30):
        fic.resize(number, clients=1)
    try:
        found = accounts.arrive(go_and_allow(), Unit, clock)
    finally:
        for number in range(1, 30):
            del fic.books[number]
    assert len(found) == 30
    assert len({account.connection_id for account in found}) == 1
    assert sorted(a.id for a in account_store.accounts("com_test")) == sorted(a.id for a in found)


def test_a_token_made_by_hand_connects_too(fic: FattureInCloudSimulator) -> None:
    account = by_hand(fic, legacy_id=1)
    assert (account.kind, account.legacy_id) == ("token", 1)
    assert account_store.get_account("com_test", "1") == account
    assert account_store.whose("1") == ("com_test", account.id)
    assert works(account)


def test_a_token_that_opens_several_has_to_say_which(fic: FattureInCloudSimulator, two_companies: int) -> None:
    for company, code in ((None, "required"), (99, "fic_company_unknown")):
        with pytest.raises(Invalid) as raised:
            accounts.connect_with_token(
                new_unit, HandMadeToken(token=fic.manual_token, user_id="usr_ada", fic_company_id=company), clock
            )
        assert [(f.path, f.code) for f in raised.value.faults] == [("body.company", code)]
    one = accounts.connect_with_token(
        new_unit, HandMadeToken(token=fic.manual_token, user_id="usr_ada", fic_company_id=two_companies), clock
    )
    assert one.fic_company_id == two_companies


@pytest.mark.parametrize("token", ["a/unknown", "with a\nline", "ünsent"])
def test_a_token_that_fic_does_not_take_is_a_fault_of_the_body(token: str) -> None:
    with pytest.raises(Invalid) as raised:
        accounts.connect_with_token(new_unit, HandMadeToken(token=token, user_id="usr_ada"), clock)
    assert raised.value.faults[0].path == "body.token"
    assert token not in str(raised.value)


def test_connecting_again_keeps_the_account_and_drops_the_old_credentials(fic: FattureInCloudSimulator) -> None:
    first = by_hand(fic)
    again = connect()
    assert (again.id, again.version, again.kind) == (first.id, 2, "oauth")
    assert [row.sk for row in AccountRow.scan() if row.sealed] == [f"connection#{again.connection_id}"]


def test_a_company_of_fics_belongs_to_one_company_here(fic: FattureInCloudSimulator) -> None:
    by_hand(fic)
    with pytest.raises(Conflict, match="fic_company_taken"):
        by_hand(fic, "com_other")
    assert account_store.accounts("com_other") == []
    assert [row.pk for row in AccountRow.scan() if row.sealed] == ["com_test#fic"]


def test_a_legacy_number_belongs_to_one_account(fic: FattureInCloudSimulator, two_companies: int) -> None:
    accounts.connect_with_token(
        new_unit, HandMadeToken(token=fic.manual_token, user_id="usr_ada", fic_company_id=COMPANY, legacy_id=1), clock
    )
    with pytest.raises(Conflict, match="legacy_id_taken"):
        accounts.connect_with_token(
            new_unit,
            HandMadeToken(token=fic.manual_token, user_id="usr_ada", fic_company_id=two_companies, legacy_id=1),
            clock,
        )


@pytest.mark.parametrize("ref", ["fic_unknown", "1", "999"])
def test_another_companys_account_is_not_there(fic: FattureInCloudSimulator, ref: str) -> None:
    mine = by_hand(fic, legacy_id=1)
    for either in (ref, mine.id):
        with pytest.raises(NotFound, match="fic_account_not_found"):
            account_store.get_account("com_other", either)
        with pytest.raises(NotFound):
            accounts.disconnect(lambda: Unit("com_other"), either, clock)


def test_disconnecting_destroys_the_tokens_and_keeps_the_account(fic: FattureInCloudSimulator) -> None:
    account = by_hand(fic)
    gone = accounts.disconnect(new_unit, account.id, clock)
    assert (gone.status, gone.connection_id) == ("disconnected", None)
    assert [row for row in AccountRow.scan() if row.sealed] == []
    assert account_store.accounts("com_test") == []
    assert account_store.get_account("com_test", account.id, deleted=True) == gone
    with pytest.raises(NotFound):
        accounts.disconnect(new_unit, account.id, clock)
    assert by_hand(fic, "com_other").fic_company_id == COMPANY


def test_what_was_disconnected_comes_back_under_its_id(fic: FattureInCloudSimulator) -> None:
    account = by_hand(fic)
    accounts.disconnect(new_unit, account.id, clock)
    back = connect()
    assert (back.id, back.status, back.deleted_at) == (account.id, "connected", None)
    assert works(back)


def test_disconnecting_one_leaves_the_other_its_tokens(two_companies: int) -> None:
    first, second = accounts.arrive(go_and_allow(), Unit, clock)
    accounts.disconnect(new_unit, second.id, clock)
    assert works(first)


def test_no_token_and_no_state_lies_anywhere_in_clear(
    fic: FattureInCloudSimulator, aws: EmbeddedAws, capfd: pytest.CaptureFixture[str]
) -> None:
    arrival = go_and_allow()
    (account,) = accounts.arrive(arrival, Unit, clock)
    works(account)
    by_hand(fic)
    given = fic.access.snapshot()
    secret_texts = [arrival.state, arrival.code or "-", *given["access"], *given["refresh"]]
    assert len(secret_texts) == 5
    fic.access.revoke()
    with pytest.raises(DomainError):
        works(account)
    stored = [
        f"{row.pk} {row.sk} {row.attribute_values}"
        for kind in (AccountRow, DirectoryRow, OutboxRow, AuditRow)
        for row in kind.scan()
    ]
    assert stored
    logged = "".join(capfd.readouterr())
    for text in [*stored, logged]:
        assert not any(secret in text for secret in secret_texts), text
