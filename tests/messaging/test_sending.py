"""A text is sent once, whatever Twilio answers and whenever."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.core.clock import now
from chalicelib.core.errors import Unavailable, VendorRefused
from chalicelib.core.jobs import JobContext, Postpone
from chalicelib.core.unit import Unit
from chalicelib.messaging import record_refusal, send_text, store
from chalicelib.messaging.jobs import SendText
from chalicelib.messaging.record_refusal import NewRefusal
from chalicelib.messaging.send_text import NewText
from chalicelib.messaging.text import Text
from infra.local.simulators.twilio.simulator import TwilioSimulator
from tests.calls.telephone import COMPANY, context, twilio
from tests.draining import drain

__all__ = ["twilio"]
TO = "+4915112345678"
SENDER = "+493055501000"


def queued(body: str = "Hello", to: str = TO, sender: str = SENDER, **more: Any) -> Text:
    """A text that waits for its job."""
    unit = Unit(COMPANY)
    purpose = more.pop("purpose", "missed_call")
    text = send_text.stage_text(unit, NewText(to=to, sender=sender, body=body, purpose=purpose, **more), now())
    unit.commit()
    return text


def send(text: Text, job: JobContext | None = None) -> Text:
    """Do its job; returns what became of it."""
    send_text.send(SendText(company_id=text.company_id, text_id=text.id), job or context())
    return read(text)


def read(text: Text) -> Text:
    found = store.find_text(text.company_id, text.id)
    assert found is not None
    return found


def out(twilio: TwilioSimulator) -> list[str]:
    return [one["body"] for one in twilio.account.texts.values()]


def test_a_text_is_sent_and_then_left_alone(twilio: TwilioSimulator) -> None:
    text = send(queued())
    assert (text.status, text.tries) == ("sent", 1)
    assert list(twilio.account.texts) == [text.sid]
    assert send(text) == text
    drain()
    assert out(twilio) == ["Hello"]


@pytest.mark.parametrize("fault", [{"status": 500}, {"drop": True}, {"delay_seconds": 1.5}, {"body": "<html>"}])
@pytest.mark.parametrize("acted", [True, False])
def test_a_lost_answer_is_looked_for_and_never_repeated(
    twilio: TwilioSimulator, fault: dict[str, Any], acted: bool
) -> None:
    text = queued()
    twilio.fault(path="*/Messages.json", method="POST", times=1, **({"apply": acted} | fault))
    with pytest.raises(Postpone):
        send(text)
    assert read(text).status == "unknown"
    acted = len(out(twilio)) == 1
    if not acted:
        with pytest.raises(Postpone):  # it may still be under way
            send(text)
        assert out(twilio) == []
    assert send(text, context(later=timedelta(seconds=80))).status == "sent"
    assert out(twilio) == ["Hello"]
    assert read(text).sid in twilio.account.texts


def test_two_texts_of_the_same_words_are_not_taken_for_each_other(twilio: TwilioSimulator) -> None:
    first = send(queued())
    second = queued()
    twilio.fault(path="*/Messages.json", method="POST", status=500, times=1)
    with pytest.raises(Postpone):
        send(second)
    second = send(second, context(later=timedelta(seconds=80)))
    assert second.sid != first.sid
    assert len(out(twilio)) == 2


@pytest.mark.parametrize(
    ("to", "status", "message", "failure"),
    [
        ("+49", None, None, "twilio_21211"),
        (TO, 400, "[21408] Permission to send an SMS has not been enabled", "twilio_21408"),
        (TO, 403, "[21612] The To phone number is not reachable", "twilio_21612"),
        (TO, 404, "[20404] not found", "twilio_20404"),
    ],
)
def test_a_refusal_is_final(
    twilio: TwilioSimulator, to: str, status: int | None, message: str | None, failure: str
) -> None:
    if status:
        twilio.fault(path="*/Messages.json", method="POST", status=status, message=message, times=1)
    text = send(queued(to=to))
    assert (text.status, text.failure) == ("failed", failure)
    assert send(text) == text
    assert out(twilio) == []


def test_a_stop_marks_the_number_and_the_next_text_is_not_even_asked_for(twilio: TwilioSimulator) -> None:
    twilio.account.opted_out.add(TO)
    assert send(queued()).failure == "twilio_21610"
    before = len(twilio.requests)
    assert send(queued()).failure == "refused"
    assert len(twilio.requests) == before
    refusal = store.find_refusal(COMPANY, TO)
    assert refusal is not None
    assert refusal.texts
    assert store.find_refusal("com_other", TO) is None


def test_who_refuses_while_the_outcome_is_unknown_gets_no_second_try(twilio: TwilioSimulator) -> None:
    text = queued()
    twilio.fault(path="*/Messages.json", method="POST", status=500, times=1)
    with pytest.raises(Postpone):
        send(text)
    record_refusal.refuse(lambda: Unit(COMPANY), NewRefusal(number=TO, texts=True), now)
    assert send(text, context(later=timedelta(seconds=80))).failure == "refused"
    assert out(twilio) == []


def test_too_fast_waits_longer_each_time_and_is_no_attempt(twilio: TwilioSimulator) -> None:
    text = queued()
    twilio.fault(path="*/Messages.json", method="POST", status=429, times=3)
    waits = []
    for _ in range(3):
        with pytest.raises(Postpone) as wait:
            send(text)
        waits.append(wait.value.seconds)
        assert read(text).status == "queued"
    assert waits == [30, 60, 120]
    assert send(text).status == "sent"


def test_wrong_credentials_leave_the_text_to_be_sent_later(twilio: TwilioSimulator) -> None:
    text = queued()
    twilio.fault(path="*/Messages.json", method="POST", status=401, times=1)
    with pytest.raises(VendorRefused):
        send(text)
    assert read(text).status == "queued"
    assert send(text).status == "sent"


def test_what_never_reached_twilio_is_tried_again(twilio: TwilioSimulator) -> None:
    text, port = queued(), int(twilio.url.rpartition(":")[2])
    twilio.stop()
    with pytest.raises(Unavailable):
        send(text)
    assert read(text).status == "queued"
    twilio.start(port)
    assert send(text).status == "sent"


def test_a_messaging_service_may_send(twilio: TwilioSimulator) -> None:
    service = "MG" + "0" * 32
    text = queued(sender=service)
    twilio.fault(path="*/Messages.json", method="POST", status=500, apply=True, times=1)
    with pytest.raises(Postpone):
        send(text)
    assert send(text).status == "sent"
    assert [one["messaging_service_sid"] for one in twilio.account.texts.values()] == [service]


def test_it_waits_for_its_time(twilio: TwilioSimulator) -> None:
    text = queued(not_before=now() + timedelta(hours=2))
    with pytest.raises(Postpone) as wait:
        send(text)
    assert wait.value.seconds == 900
    assert send(text, context(later=timedelta(hours=3))).status == "sent"
