"""The weekly check: pages of one job each, once a run, and a mail only where something fails."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.calls import chain_check, report_chains
from chalicelib.calls.jobs import CheckChains
from chalicelib.core import mail
from chalicelib.core.clock import now
from chalicelib.core.inbox import PLATFORM
from chalicelib.core.jobs import JobContext
from chalicelib.core.rows import OutboxRow
from chalicelib.core.settings import settings
from chalicelib.core.unit import Unit
from chalicelib.identity.create_company import NewCompany, Person, add_member, create_company
from chalicelib.identity.mail_templates import MailTemplate
from functions.calls.schedules import check_chains
from infra.local.demo_practice import Practice
from tests.calls.backlog import COMPANY, recorded, run_all
from tests.conftest import EmbeddedAws, open_practice
from tests.draining import drain

RUN = now()


@dataclass
class Post:
    """What was mailed, as SES would have had it."""

    sent: list[tuple[str, MailTemplate]] = field(default_factory=list)


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Post:
    made = Post()

    def send(to: Sequence[str], subject: str, text: str) -> None:
        made.sent += [(address, MailTemplate(subject, text)) for address in to]

    monkeypatch.setattr(mail, "send", send)
    return made


@pytest.fixture
def company(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Practice]:
    """A German company that books through Cal.com, with two admins and a practitioner; ops is told by mail."""
    monkeypatch.setenv("PILOT_OPS_MAIL", "ops@example.com")
    settings.cache_clear()
    people = [Person(name, f"{name.lower()}@example.com", "correct horse battery") for name in ("Ada", "Ben", "Noor")]
    create_company(NewCompany("Praxis Mitte", id=COMPANY, language="de"), people[0], now)
    add_member(COMPANY, people[1], "admin", now)
    add_member(COMPANY, people[2], "practitioner", now)
    yield open_practice(COMPANY, calcom=True)
    settings.cache_clear()


def check(at: datetime = RUN) -> None:
    chain_check.spread([COMPANY], Unit, at)
    drain()


def test_nothing_is_mailed_while_all_is_well(company: Practice, post: Post) -> None:
    recorded(1)
    recorded(2, {})
    run_all()
    check()
    assert post.sent == []


def test_the_admins_are_told_what_fails(company: Practice, post: Post) -> None:
    broken = recorded(1)
    check()
    assert sorted(to for to, _ in post.sent) == ["ada@example.com", "ben@example.com"]
    _, letter = post.sent[0]
    assert letter.subject == "1 von 1 Anrufen führen zu keinem vollständigen Termin"
    assert "Praxis Mitte" in letter.text
    assert f"{broken.id}: call_has_customer, customer_exists, appointment_exists" in letter.text


def test_ops_is_told_of_calls_of_nobodys(company: Practice, post: Post) -> None:
    orphan = recorded(1, {}, to_number="+12025550000")
    old = recorded(
        2, {}, to_number="+12025550000", start_timestamp=round((now() - timedelta(days=9)).timestamp() * 1000)
    )
    check()
    [(to, letter)] = post.sent
    assert to == "ops@example.com"
    assert f"{orphan.id}: no_event_type, unknown_number, no_default_company" in letter.text
    assert old.id not in letter.text
    assert "+12025550000" not in letter.text


def test_a_run_is_done_once_however_often_it_is_delivered(company: Practice, post: Post) -> None:
    recorded(1)
    check()
    check()
    assert len(post.sent) == 2  # one to each admin
    check(RUN + timedelta(days=7))
    assert len(post.sent) == 4


def test_pages_follow_each_other_and_add_up(company: Practice, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_check, "PAGE", 2)
    monkeypatch.setattr(chain_check, "MOST_FINDINGS", 3)
    for number in range(1, 6):
        recorded(number)
    context = JobContext("job", 1, False, "cor", COMPANY, now)
    job = CheckChains(company_id=COMPANY, run="2026-11-23")
    counts: list[Any] = []
    while job is not None:
        chain_check.check(job, context)
        rows = {str(row.type): row for row in OutboxRow.scan() if str(row.type).startswith("job:") and row.pending}
        for row in rows.values():
            row.delete()
        following = rows.get("job:calls.CheckChains")
        counts.append((job.page, job.checked))
        job = CheckChains.from_json(following.data or "") if following else None  # type: ignore[assignment]
    assert counts == [(0, 0), (1, 2), (2, 4)]
    assert '"checked":5' in str(rows["job:calls.SendChainReport"].data)
    assert '"failed":5' in str(rows["job:calls.SendChainReport"].data)


def test_a_second_delivery_of_the_report_mails_nobody_twice(company: Practice, post: Post) -> None:
    from chalicelib.calls.jobs import SendChainReport

    job = SendChainReport(company_id=COMPANY, checked=2, failed=1, findings=[("call_x", ["was_booked"])])
    context = JobContext("job", 1, False, "cor", COMPANY, now)
    report_chains.send(job, context)
    report_chains.send(job, context)
    assert len(post.sent) == 2


def test_without_an_address_for_ops_nobody_is_mailed(
    company: Practice, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PILOT_OPS_MAIL")
    settings.cache_clear()
    recorded(1, {}, to_number="+12025550000")
    check()
    assert post.sent == []


def test_the_schedule_covers_every_company_and_nobodys(company: Practice, post: Post) -> None:
    check_chains({"id": "i", "detail-type": "t", "source": "s", "account": "a", "time": "t", "region": "r",
                  "resources": [], "detail": {}, "version": "0"}, None)  # fmt: skip
    jobs = [CheckChains.from_json(row.data or "") for row in OutboxRow.scan() if row.type == "job:calls.CheckChains"]
    assert {job.company_id for job in jobs} == {COMPANY, PLATFORM}
