"""Mailed links: joining a company, and setting another password."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib.core.errors import Conflict, DomainError, Invalid, NotFound, RateLimited, Unauthenticated
from chalicelib.core.jobs import JobContext
from chalicelib.core.rows import AuditRow, DirectoryRow, OutboxRow
from chalicelib.core.tables import collection
from chalicelib.core.unit import Unit
from chalicelib.identity import (
    guard_store,
    invitations,
    login_throttle,
    members,
    reset_password,
    send_mail,
    store,
    token_issue,
)
from chalicelib.identity.jobs import SendPasswordReset
from chalicelib.identity.login_attempts import FREE_PER_ACCOUNT
from chalicelib.identity.user import User
from tests.draining import drain
from tests.identity.office import (
    ADDRESS,
    EMAIL,
    PASSWORD,
    FixedClock,
    Mailbox,
    admin_unit,
    join,
    open_office,
    opens,
    sign_in,
)

OTHER_PASSWORD = "a wholly other sentence"
NOOR = "noor@example.com"


def reset_link(mailbox: Mailbox, clock: FixedClock, email: str = EMAIL) -> str:
    reset_password.request_reset(email, ADDRESS, clock)
    return mailbox.secret_after_work()


def confirm(secret: str, clock: FixedClock, password: str = OTHER_PASSWORD) -> None:
    reset_password.confirm_reset(lambda company_id: Unit(company_id, clock=clock), secret, password, clock)


def accept(secret: str, clock: FixedClock, password: str = PASSWORD, name: str | None = None) -> User:
    new_unit = lambda company_id: Unit(company_id, clock=clock)  # noqa: E731
    return invitations.accept_invitation(new_unit, secret, password, name, clock)


def test_an_invitation_is_mailed_taken_up_and_used_up(admin: User, mailbox: Mailbox, clock: FixedClock) -> None:
    invited = invitations.invite(admin_unit(admin, clock), " Noor@Example.com ", "Noor  Haddad", "practitioner", clock)
    assert (invited.status, invited.email, invited.name) == ("invited", NOOR, "Noor Haddad")
    secret = mailbox.secret_after_work()
    mail = mailbox.mails()[-1]
    assert mail["To"] == [NOOR]
    assert "Practice Dr. Keller" in mail["Subject"]
    with pytest.raises(Unauthenticated):
        sign_in(clock, NOOR)
    joined = accept(secret, clock, name="Noor H.")
    assert (joined.status, joined.name, joined.role) == ("active", "Noor H.", "practitioner")
    assert sign_in(clock, NOOR).user == joined
    with pytest.raises(Conflict):
        accept(secret, clock, OTHER_PASSWORD)
    sign_in(clock, NOOR)


def test_invited_again_both_mails_open_until_one_is_used(admin: User, mailbox: Mailbox, clock: FixedClock) -> None:
    first = invitations.invite(admin_unit(admin, clock), NOOR, "Noor", "client", clock)
    one = mailbox.secret_after_work()
    again = invitations.invite(admin_unit(admin, clock), NOOR, "Noor Haddad", "staff", clock)
    two = mailbox.secret_after_work()
    assert again.id == first.id
    assert one != two
    assert accept(one, clock).role == "staff"
    with pytest.raises(Conflict):
        accept(two, clock)
    with pytest.raises(Conflict):
        invitations.invite(admin_unit(admin, clock), NOOR, "Noor", "client", clock)


def test_an_email_signs_in_to_one_company_only(admin: User, clock: FixedClock) -> None:
    _, stranger = open_office(clock, "boss@example.org", "Salon Rosa")
    with pytest.raises(Conflict):
        invitations.invite(admin_unit(stranger, clock), EMAIL, "Ada", "staff", clock)
    with pytest.raises(Conflict):
        open_office(clock)


def test_two_invitations_of_one_email_at_once_make_one_user(admin: User, clock: FixedClock) -> None:
    def invite(_: int) -> str:
        try:
            return invitations.invite(admin_unit(admin, clock), NOOR, "Noor", "staff", clock).id
        except DomainError as error:
            return error.code

    with ThreadPoolExecutor(8) as pool:
        outcomes = set(pool.map(invite, range(8)))
    ids = {outcome for outcome in outcomes if outcome.startswith("usr_")}
    assert len(ids) == 1
    assert outcomes - ids <= {"email_taken", "stale"}
    assert len(members.page_users(admin.company_id, 50, None).data) == 2


def test_links_expire(admin: User, mailbox: Mailbox, clock: FixedClock) -> None:
    invitations.invite(admin_unit(admin, clock), NOOR, "Noor", "staff", clock)
    invitation = mailbox.secret_after_work()
    reset = reset_link(mailbox, clock)
    clock.forward(hours=1, seconds=30)
    with pytest.raises(NotFound) as refused:
        confirm(reset, clock)
    assert refused.value.faults[0].path == "body.token"
    clock.forward(days=7)
    with pytest.raises(NotFound):
        accept(invitation, clock)


def test_a_link_serves_its_own_purpose_only(admin: User, mailbox: Mailbox, clock: FixedClock) -> None:
    reset = reset_link(mailbox, clock)
    with pytest.raises(NotFound):
        accept(reset, clock)
    with pytest.raises(NotFound):
        confirm("pl_made-up", clock)


@pytest.mark.parametrize("password", ["too short", "x" * 257, "Admin@Example.com"])
def test_a_bad_password_is_refused_and_the_link_stays(
    admin: User, mailbox: Mailbox, clock: FixedClock, password: str
) -> None:
    secret = reset_link(mailbox, clock)
    with pytest.raises(Invalid) as refused:
        confirm(secret, clock, password)
    assert refused.value.faults[0].path == "body.password"
    confirm(secret, clock)


def test_a_reset_changes_the_password_and_ends_every_token(admin: User, mailbox: Mailbox, clock: FixedClock) -> None:
    secrets = [sign_in(clock).issued.secret for _ in range(30)]
    secret = reset_link(mailbox, clock)
    assert all(opens(each, clock) for each in secrets), "asking alone changes nothing"
    confirm(secret, clock)
    assert not any(opens(each, clock) for each in secrets)
    with pytest.raises(Unauthenticated):
        sign_in(clock)
    sign_in(clock, password=OTHER_PASSWORD)
    with pytest.raises(Conflict):
        confirm(secret, clock, PASSWORD)


def test_a_password_set_voids_every_other_link(admin: User, mailbox: Mailbox, clock: FixedClock) -> None:
    one, two = reset_link(mailbox, clock), reset_link(mailbox, clock)
    confirm(two, clock)
    with pytest.raises(Conflict):
        confirm(one, clock, PASSWORD)


def test_a_login_at_the_moment_of_a_reset_does_not_survive_it(
    admin: User, mailbox: Mailbox, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = reset_link(mailbox, clock)
    late: list[str] = []
    real = token_issue.stage_revoking_all

    def revoke_after_a_login(*given: Any) -> None:
        real(*given)
        if not late:
            late.append(sign_in(clock).issued.secret)

    monkeypatch.setattr(token_issue, "stage_revoking_all", revoke_after_a_login)
    confirm(secret, clock)
    assert not opens(late[0], clock)


def test_a_login_proved_before_a_reset_is_refused_after_it(
    admin: User, mailbox: Mailbox, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = reset_link(mailbox, clock)
    real = login_throttle.forgive

    def forgive_after_a_reset(*given: Any) -> None:
        monkeypatch.setattr(login_throttle, "forgive", real)
        confirm(secret, clock)
        real(*given)

    monkeypatch.setattr(login_throttle, "forgive", forgive_after_a_reset)
    with pytest.raises(Unauthenticated):
        sign_in(clock)
    assert store.get_account(admin.company_id, admin.id).tokens == ()


def test_a_reset_lets_the_owner_in_whom_a_guesser_made_wait(admin: User, mailbox: Mailbox, clock: FixedClock) -> None:
    for number in range(FREE_PER_ACCOUNT):
        with pytest.raises(Unauthenticated):
            sign_in(clock, password="a guess of mine", address=f"203.0.113.{number}")
    with pytest.raises(RateLimited):
        sign_in(clock)
    confirm(reset_link(mailbox, clock), clock)
    sign_in(clock, password=OTHER_PASSWORD)


def test_asking_for_strangers_and_asking_too_often_mails_nobody(
    admin: User, mailbox: Mailbox, clock: FixedClock
) -> None:
    reset_password.request_reset("nobody@example.com", ADDRESS, clock)
    invitations.invite(admin_unit(admin, clock), NOOR, "Noor", "staff", clock)
    drain()
    reset_password.request_reset(NOOR, ADDRESS, clock)  # invited, but has no password to forget
    drain()
    assert [mail["To"] for mail in mailbox.mails()] == [[NOOR]]
    for _ in range(FREE_PER_ACCOUNT + 3):
        reset_password.request_reset(EMAIL, ADDRESS, clock)
    drain()
    assert len([mail for mail in mailbox.mails() if mail["To"] == [EMAIL]]) == FREE_PER_ACCOUNT
    assert sign_in(clock).user == admin, "asking for resets is no way to keep somebody out"


def test_no_secret_and_no_address_lies_in_an_event(admin: User, mailbox: Mailbox, clock: FixedClock) -> None:
    join(admin, mailbox, clock, NOOR, "staff")
    secrets = [mailbox.secret(), reset_link(mailbox, clock)]
    outbox = [repr(row.attribute_values) for row in OutboxRow.scan()]
    for private in (*secrets, NOOR, EMAIL, "Noor"):
        assert not any(private in row for row in outbox), private
    stored = [repr(row.attribute_values) for row in DirectoryRow.scan()]
    assert not any(secret in row for row in stored for secret in secrets)
    actions = [row.action for row in collection(AuditRow, f"{admin.company_id}#{admin.id}")]
    assert actions == ["user.password_reset_requested"]


def test_a_job_delivered_twice_mails_once(admin: User, mailbox: Mailbox, clock: FixedClock) -> None:
    context = JobContext("job_1", 1, False, "cor_1", admin.company_id, clock)
    for _ in range(2):
        send_mail.send_password_reset(SendPasswordReset(company_id=admin.company_id, user_id=admin.id), context)
    assert len(mailbox.mails()) == 1


def test_a_job_that_died_after_it_sent_mails_again_and_both_links_open(
    admin: User, mailbox: Mailbox, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = JobContext("job_1", 1, False, "cor_1", admin.company_id, clock)
    job = SendPasswordReset(company_id=admin.company_id, user_id=admin.id)

    def die(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as dying:
        dying.setattr(guard_store, "mark_mailed", die)
        with pytest.raises(ConnectionError):
            send_mail.send_password_reset(job, context)
    first = mailbox.secret()
    send_mail.send_password_reset(job, context)
    assert len(mailbox.mails()) == 2
    confirm(first, clock)


def test_a_disabled_users_links_open_nothing(admin: User, mailbox: Mailbox, clock: FixedClock) -> None:
    secret = reset_link(mailbox, clock)
    members.disable_user(lambda: admin_unit(admin, clock), admin.id, clock)
    with pytest.raises(Conflict):
        confirm(secret, clock)
