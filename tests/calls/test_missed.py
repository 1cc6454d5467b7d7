"""A missed call: a text back once, in the branch's language, never where it is unwanted; a mail to staff."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.calls import missed_call, phone_store
from chalicelib.calls.jobs import TextMissedCaller
from chalicelib.calls.phone_call import PhoneCall
from chalicelib.core.clock import now
from chalicelib.core.jobs import Postpone
from chalicelib.messaging import store as messaging
from infra.local.invoking import Caller, call
from infra.local.simulators.twilio.simulator import TwilioSimulator
from tests.calls.telephone import (
    ALWAYS_QUIET,
    CALLER,
    COMPANY,
    NEVER_QUIET,
    ROUTING,
    STAFF,
    alert,
    context,
    miss,
    open_branch,
    people,
    phone_calls,
    rings,
    twilio,
    work_off,
)
from tests.conftest import EmbeddedAws
from tests.draining import drain
from tests.identity.office import Mailbox

__all__ = ["twilio"]
DESK = Caller("com_test")


def texts(twilio: TwilioSimulator) -> list[str]:
    return [one["body"] for one in twilio.account.texts.values()]


def text_back(one: PhoneCall) -> str | None:
    missed_call.text_back(TextMissedCaller(company_id=one.company_id, phone_call_id=one.id), context(one.company_id))
    return phone_store.get(one.company_id, one.id).text_back


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", "Leider haben wir"),
        ("en", "we are sorry"),
        ("it", "ci scusiamo"),
        ("vi", "xin lỗi"),
        ("xx", "we are sorry"),
    ],
)
def test_the_caller_gets_one_text_in_the_branchs_language(twilio: TwilioSimulator, language: str, words: str) -> None:
    open_branch(language=language)
    rings(twilio, people())
    work_off()
    (text,) = texts(twilio)
    assert words in text
    assert "Berlin Mitte" in text
    assert "+493055501000" in text
    (one,) = phone_calls()
    assert one.text_back == "queued"
    sent = messaging.find_text(COMPANY, one.text_id or "")
    assert sent is not None
    assert sent.status == "sent"
    assert sent.sid in twilio.account.texts


def test_calling_twice_within_the_hour_gets_one_text(twilio: TwilioSimulator) -> None:
    open_branch()
    for _ in range(2):
        rings(twilio, people())
        work_off()
    assert len(texts(twilio)) == 1
    assert sorted(str(one.text_back) for one in phone_calls()) == ["queued", "texted_already"]
    later = miss()
    job = TextMissedCaller(company_id=COMPANY, phone_call_id=later.id)
    missed_call.text_back(job, context(later=timedelta(minutes=61)))
    assert phone_store.get(COMPANY, later.id).text_back == "queued"


def test_a_job_delivered_twice_texts_once(twilio: TwilioSimulator) -> None:
    open_branch()
    one = miss()
    assert [text_back(one), text_back(one)] == ["queued", "queued"]
    drain()
    assert len(texts(twilio)) == 1


@pytest.mark.parametrize(
    ("caller", "why"),
    [(None, "number_withheld"), ("+493012345678", "landline"), ("+390212345678", "landline"), (STAFF, "one_of_us")],
)
def test_who_cannot_be_texted_is_not(twilio: TwilioSimulator, caller: str | None, why: str) -> None:
    open_branch()
    assert text_back(miss(caller)) == why
    drain()
    assert texts(twilio) == []


def test_a_withheld_number_is_listed_without_one(twilio: TwilioSimulator) -> None:
    open_branch()
    rings(twilio, people(), caller="+266696687")
    work_off()
    (listed,) = call("GET", "/api/missed-calls", caller=DESK).json["data"]
    assert (listed["caller"], listed["text_back"]) == (None, "number_withheld")
    assert texts(twilio) == []


def test_whoever_wants_no_texts_gets_none(twilio: TwilioSimulator) -> None:
    open_branch()
    assert call("PUT", f"/api/do-not-call/{CALLER}", caller=DESK, body={}).status == 200
    assert text_back(miss()) == "refused"
    open_branch(replace(ROUTING, text_back=False))
    assert text_back(miss("+4915112345679")) == "switched_off"
    drain()
    assert texts(twilio) == []


def test_a_stop_is_remembered(twilio: TwilioSimulator) -> None:
    open_branch()
    twilio.account.opted_out.add(CALLER)
    rings(twilio, people())
    work_off()
    refusal = messaging.find_refusal(COMPANY, CALLER)
    assert refusal is not None
    assert (refusal.texts, refusal.calls, refusal.reason) == (True, False, "stop")
    (one,) = phone_calls()
    text = messaging.find_text(COMPANY, one.text_id or "")
    assert text is not None
    assert (text.status, text.failure) == ("failed", "twilio_21610")
    assert text_back(miss()) in ("refused", "texted_already")


def test_quiet_hours_hold_back_texts_only_where_the_branch_says_so(twilio: TwilioSimulator) -> None:
    open_branch(quiet=ALWAYS_QUIET)
    rings(twilio, people())
    work_off()
    assert len(texts(twilio)) == 1
    open_branch(quiet=replace(ALWAYS_QUIET, texts=True))
    one = miss("+4915112345679")
    assert text_back(one) == "queued"
    text_id = phone_store.get(COMPANY, one.id).text_id or ""
    from chalicelib.messaging import send_text
    from chalicelib.messaging.jobs import SendText

    with pytest.raises(Postpone):
        send_text.send(SendText(company_id=COMPANY, text_id=text_id), context())
    drain()
    assert len(texts(twilio)) == 1
    send_text.send(SendText(company_id=COMPANY, text_id=text_id), context(later=timedelta(days=3)))
    assert len(texts(twilio)) == 2


def test_staff_are_mailed_once_with_what_was_left(twilio: TwilioSimulator, aws: EmbeddedAws) -> None:
    open_branch(language="de")
    rings(twilio, people(message_seconds=9))
    drain()
    (one,) = phone_calls()
    for _ in range(2):
        alert(one)
    (mail,) = Mailbox(aws).mails()
    assert "desk@example.com" in str(mail)
    assert "Verpasster Anruf" in mail["Subject"]
    assert CALLER in mail["BodyText"]
    assert "9 Sekunden" in mail["BodyText"]


def test_without_named_addresses_the_admins_are_told(twilio: TwilioSimulator, aws: EmbeddedAws) -> None:
    from chalicelib.identity.create_company import NewCompany, Person, create_company

    create_company(NewCompany("Keller", id=COMPANY), Person("Ada", "ada@example.com", "correct horse battery"), now)
    open_branch(replace(ROUTING, alert_emails=()))
    alert(miss(None))
    (mail,) = Mailbox(aws).mails()
    assert "ada@example.com" in str(mail)
    assert "A withheld number" in mail["BodyText"]


def test_companies_have_their_own_lists(twilio: TwilioSimulator) -> None:
    open_branch(quiet=NEVER_QUIET)
    call("PUT", f"/api/do-not-call/{CALLER}", caller=DESK, body={})
    other: Any = call("GET", "/api/do-not-call", caller=Caller("com_other")).json
    assert other["data"] == []
    assert messaging.find_refusal("com_other", CALLER) is None
