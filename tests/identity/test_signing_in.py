"""Signing in: who is let in, who is not, and how guessing is slowed."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.core.errors import RateLimited, Unauthenticated
from chalicelib.core.rows import GuardRow
from chalicelib.core.unit import Unit
from chalicelib.identity import members, passwords, store
from chalicelib.identity.login_attempts import (
    FORGOTTEN_AFTER_SECONDS,
    FREE_PER_ACCOUNT,
    FREE_PER_ADDRESS,
    LONGEST_WAIT_SECONDS,
    LoginAttempts,
)
from chalicelib.identity.user import User
from tests.identity.office import ADDRESS, EMAIL, PASSWORD, FixedClock, admin_unit, opens, sign_in


def fail(clock: FixedClock, email: str = EMAIL, address: str = ADDRESS) -> None:
    with pytest.raises(Unauthenticated):
        sign_in(clock, email, "not the password", address)


def test_the_right_password_gives_a_token_for_thirty_days(admin: User, clock: FixedClock) -> None:
    done = sign_in(clock, email="  Admin@Example.COM ")
    assert done.user == admin
    assert opens(done.issued.secret, clock)
    clock.forward(days=29, hours=23)
    assert opens(done.issued.secret, clock)
    clock.forward(hours=1)
    assert not opens(done.issued.secret, clock)


def test_wrong_password_and_unknown_mail_cannot_be_told_apart(
    admin: User, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str | None] = []
    real = passwords.matches

    def counted(password_hash: str | None, password: str) -> bool:
        checked.append(password_hash)
        return real(password_hash, password)

    monkeypatch.setattr(passwords, "matches", counted)
    refusals = []
    for email, password in ((EMAIL, "not the password"), ("nobody@example.com", PASSWORD)):
        with pytest.raises(Unauthenticated) as refused:
            sign_in(clock, email, password)
        refusals.append(str(refused.value))
    assert refusals[0] == refusals[1]
    assert len(checked) == 2, "a hash is worked on in both cases"
    assert checked[1] is None


def test_nobodys_hash_costs_what_everybodys_does() -> None:
    assert passwords.rehashed(passwords.NOBODYS, "x") is None
    assert not passwords.matches(None, "any password")


def test_a_hash_under_older_parameters_is_renewed_at_login(admin: User, clock: FixedClock) -> None:
    from argon2 import PasswordHasher

    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    credential = store.get_account(admin.company_id, admin.id).credential
    unit = Unit(admin.company_id, clock=clock)
    store.save_credential(unit, admin, credential.with_token(rehashed=old))
    unit.commit()
    sign_in(clock)
    renewed = store.get_account(admin.company_id, admin.id).credential.password_hash
    assert renewed is not None
    assert renewed != old
    assert passwords.rehashed(renewed, PASSWORD) is None
    sign_in(clock)


def test_the_same_characters_as_other_code_points_are_the_same_password() -> None:
    assert passwords.matches(passwords.hash_of("Käsebrötchen"), "Ka\u0308sebro\u0308tchen")


def test_after_five_failures_the_account_waits_longer_and_longer(admin: User, clock: FixedClock) -> None:
    for _ in range(FREE_PER_ACCOUNT):
        fail(clock)
    waits = []
    for _ in range(10):
        with pytest.raises(RateLimited) as refused:
            sign_in(clock)  # even with the right password, or a guesser would learn it
        waits.append(refused.value.retry_after)
        clock.forward(seconds=refused.value.retry_after)
        fail(clock)
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]
    assert waits[-1] == LONGEST_WAIT_SECONDS


def test_waiting_from_another_address_is_no_way_around(admin: User, clock: FixedClock) -> None:
    for number in range(FREE_PER_ACCOUNT):
        fail(clock, address=f"203.0.113.{number}")
    with pytest.raises(RateLimited):
        sign_in(clock, address="203.0.113.99")


def test_one_password_on_many_accounts_is_stopped_by_the_address(admin: User, clock: FixedClock) -> None:
    for number in range(FREE_PER_ADDRESS):
        fail(clock, email=f"user{number}@example.com")
    with pytest.raises(RateLimited):
        sign_in(clock)
    sign_in(clock, address="203.0.113.5")


def test_a_success_lets_the_account_begin_anew_and_the_address_go_on(admin: User, clock: FixedClock) -> None:
    for _ in range(3):
        for _ in range(FREE_PER_ACCOUNT - 1):
            fail(clock)
        sign_in(clock)
    for number in range(FREE_PER_ADDRESS - 3 * (FREE_PER_ACCOUNT - 1)):
        fail(clock, email=f"user{number}@example.com")
    with pytest.raises(RateLimited):  # an account of one's own does not wash the address clean
        sign_in(clock)


def test_many_logins_from_one_practice_are_no_attack(admin: User, clock: FixedClock) -> None:
    secrets = {sign_in(clock).issued.secret for _ in range(FREE_PER_ADDRESS + 5)}
    assert len(secrets) == FREE_PER_ADDRESS + 5


def test_a_day_without_attempts_is_forgotten_by_the_counters_own_time(admin: User, clock: FixedClock) -> None:
    for _ in range(FREE_PER_ACCOUNT):
        fail(clock)
    clock.forward(seconds=FORGOTTEN_AFTER_SECONDS)
    assert len(list(GuardRow.scan())) >= 2, "the rows are still there"
    for _ in range(FREE_PER_ACCOUNT):
        fail(clock)


def test_parallel_guesses_are_all_counted(admin: User, clock: FixedClock) -> None:
    def guess(_: int) -> str:
        try:
            sign_in(clock, password="not the password")
        except Unauthenticated:
            return "looked at"
        except RateLimited:
            return "refused"
        return "in"

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(guess, range(16)))
    assert outcomes.count("looked at") <= FREE_PER_ACCOUNT
    assert "in" not in outcomes


def test_parallel_logins_of_one_user_all_count_their_tokens(admin: User, clock: FixedClock) -> None:
    with ThreadPoolExecutor(4) as pool:
        secrets = [done.issued.secret for done in pool.map(lambda _: sign_in(clock), range(4))]
    assert all(opens(secret, clock) for secret in secrets)
    assert len(store.get_account(admin.company_id, admin.id).tokens) == 4


def test_the_thirty_first_login_ends_the_oldest(admin: User, clock: FixedClock) -> None:
    secrets = []
    for _ in range(31):
        secrets.append(sign_in(clock).issued.secret)
        clock.forward(seconds=1)
    assert [opens(secret, clock) for secret in secrets] == [False] + [True] * 30


def test_a_disabled_user_is_let_in_no_longer(admin: User, clock: FixedClock) -> None:
    secret = sign_in(clock).issued.secret
    members.disable_user(lambda: admin_unit(admin, clock), admin.id, clock)
    assert not opens(secret, clock)
    fail(clock)
    with pytest.raises(Unauthenticated):
        sign_in(clock)


def test_the_waits_double_and_end() -> None:
    attempts = LoginAttempts()
    for _ in range(FREE_PER_ACCOUNT):
        assert attempts.wait(1000, FREE_PER_ACCOUNT) == 0
        attempts = attempts.counted(1000)
    assert attempts.wait(1000, FREE_PER_ACCOUNT) == 5
    assert attempts.wait(1004, FREE_PER_ACCOUNT) == 1
    assert attempts.wait(1005, FREE_PER_ACCOUNT) == 0
    assert LoginAttempts(10**6, 1000 + FORGOTTEN_AFTER_SECONDS).wait(1000, FREE_PER_ACCOUNT) == LONGEST_WAIT_SECONDS
