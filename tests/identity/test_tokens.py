"""Tokens: what they may do, how they end, and that they stay within their company and user."""

import pytest

from chalicelib.core import aws as clients
from chalicelib.core import directory
from chalicelib.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from chalicelib.core.rows import DirectoryRow
from chalicelib.core.unit import Actor, Unit
from chalicelib.identity import authentication, invitations, tokens
from chalicelib.identity.abilities import ABILITIES, EVERYTHING, OF_ROLE
from chalicelib.identity.account import MOST_API_TOKENS
from chalicelib.identity.tables import IdentityRow
from chalicelib.identity.token_issue import Issued
from chalicelib.identity.user import User
from tests.identity.office import Mailbox, StandingClock, admin_unit, join, open_office, opens, sign_in


def make(
    user: User, clock: StandingClock, abilities: list[str], *, held: frozenset[str] | None = None, days: int = 90
) -> Issued:
    def unit() -> Unit:
        return Unit(user.company_id, Actor("user", user.id, "tok_x", held or user.abilities), clock=clock)

    return tokens.create_token(unit, "Reporting", abilities, days, clock)


def test_only_the_hash_of_a_token_is_stored(admin: User, clock: StandingClock) -> None:
    secret = sign_in(clock).issued.secret
    assert secret.startswith("pp_")
    stored = [repr(row.attribute_values) for kind in (IdentityRow, DirectoryRow) for row in kind.scan()]
    assert stored
    assert not any(secret in row for row in stored)
    assert any(directory.digest_of(secret) in row for row in stored)


def test_a_token_speaks_for_its_user_and_its_abilities(admin: User, clock: StandingClock) -> None:
    issued = make(admin, clock, ["calls:read", "appointments:read"], days=1)
    principal = authentication.authenticate(issued.secret, clock)
    assert principal.company_id == admin.company_id
    assert principal.user_id == admin.id
    assert principal.token_id == issued.token.id
    assert principal.abilities == ("appointments:read", "calls:read")
    clock.forward(days=1)
    assert not opens(issued.secret, clock)


@pytest.mark.parametrize("token", ["", "pp_", "x" * 46, "pp_" + "A" * 43, "pp_" + "é" * 43, "pp_" + "A" * 5000])
def test_what_is_no_token_opens_nothing(admin: User, clock: StandingClock, token: str) -> None:
    with pytest.raises(Unauthenticated):
        authentication.authenticate(token, clock)


def test_one_read_per_request_and_one_note_per_hour(admin: User, clock: StandingClock) -> None:
    secret = sign_in(clock).issued.secret
    calls: list[str] = []

    def hook(when: str, name: str) -> None:
        if when == "before":
            calls.append(name)

    clients.call_hooks.append(hook)
    try:
        for _ in range(3):
            authentication.authenticate(secret, clock)
        clock.forward(minutes=61)
        authentication.authenticate(secret, clock)
    finally:
        clients.call_hooks.remove(hook)
    get, note = "dynamodb.GetItem", "dynamodb.UpdateItem"
    assert calls == [get, note, get, get, get, note]
    used = tokens.list_tokens(admin.company_id, admin.id, clock)[0].last_used_at
    assert used == clock().replace(microsecond=0)


def test_a_note_on_a_token_revoked_meanwhile_brings_nothing_back(admin: User, clock: StandingClock) -> None:
    issued = sign_in(clock).issued
    tokens.revoke_token(admin_unit(admin, clock), issued.token.id)
    directory.touch("token", issued.token.digest, 5, if_before=5)
    assert directory.find("token", issued.token.digest) is None


def test_revoking_is_effective_at_once(admin: User, clock: StandingClock) -> None:
    kept, revoked = sign_in(clock).issued, sign_in(clock).issued
    tokens.revoke_token(admin_unit(admin, clock), revoked.token.id)
    assert opens(kept.secret, clock)
    assert not opens(revoked.secret, clock)
    assert [each.token.id for each in tokens.list_tokens(admin.company_id, admin.id, clock)] == [kept.token.id]
    with pytest.raises(NotFound):
        tokens.revoke_token(admin_unit(admin, clock), revoked.token.id)


def test_nobody_revokes_or_lists_the_tokens_of_another_company(admin: User, clock: StandingClock) -> None:
    _, stranger = open_office(clock, "boss@example.org", "Salon Rosa")
    issued = sign_in(clock).issued
    with pytest.raises(NotFound):
        tokens.revoke_token(admin_unit(stranger, clock), issued.token.id)
    with pytest.raises(NotFound):  # the id of a user of one company under another
        tokens.list_tokens(stranger.company_id, admin.id, clock)
    assert tokens.list_tokens(stranger.company_id, stranger.id, clock) == []
    assert opens(issued.secret, clock)


def test_nobody_hands_out_more_than_they_have(admin: User, mailbox: Mailbox, clock: StandingClock) -> None:
    staff = join(admin, mailbox, clock, "noor@example.com", "staff")
    assert make(staff, clock, ["calls:write"]).token.abilities == ("calls:write",)
    for wanted in (["users:write"], ["*"], ["calls:read", "practice:write"]):
        with pytest.raises(Forbidden):
            make(staff, clock, wanted)
    # A token with less than its user's role gives no more than it has itself.
    with pytest.raises(Forbidden):
        make(admin, clock, ["calls:write"], held=frozenset({"account:write", "calls:read"}))
    limited = admin_unit(admin, clock, frozenset({"users:write"}))
    with pytest.raises(Forbidden):
        invitations.invite(limited, "mallory@example.com", "Mallory", "admin", clock)


def test_abilities_that_no_route_asks_for_are_named(admin: User, clock: StandingClock) -> None:
    with pytest.raises(Invalid) as refused:
        make(admin, clock, ["calls:read", "cals:read", "*", "x"])
    assert [fault.path for fault in refused.value.faults] == ["body.abilities[1]", "body.abilities[3]"]


def test_twenty_tokens_for_programs_are_enough(admin: User, clock: StandingClock) -> None:
    for _ in range(MOST_API_TOKENS):
        make(admin, clock, ["calls:read"], days=1)
    with pytest.raises(Conflict):
        make(admin, clock, ["calls:read"])
    clock.forward(days=1)
    make(admin, clock, ["calls:read"])


def test_roles_have_known_abilities_only() -> None:
    assert {ability for held in OF_ROLE.values() for ability in held} <= ABILITIES | {EVERYTHING}
