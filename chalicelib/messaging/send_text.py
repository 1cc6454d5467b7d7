"""Sending a text: once, although Twilio's POST has no idempotency key and its answer can be lost."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from chalicelib.core.errors import Conflict, DomainError, OutcomeUnknown, RateLimited, Stale, VendorRefused
from chalicelib.core.ids import new_id
from chalicelib.core.jobs import JobContext, Postpone
from chalicelib.core.queues import LONGEST_DELAY_SECONDS
from chalicelib.core.switches import require_vendor
from chalicelib.core.unit import Unit
from chalicelib.messaging import record_refusal, store
from chalicelib.messaging.events import TextFailed, TextSent
from chalicelib.messaging.jobs import SendText
from chalicelib.messaging.record_refusal import NewRefusal
from chalicelib.messaging.text import FINAL, Purpose, Text

if TYPE_CHECKING:
    from chalicelib.vendors.twilio.client import TextMessage, Twilio

SURE_AFTER = timedelta(seconds=75)
"""A request that Twilio does not show by then was never taken: our own wait for its answer ends long before."""
LOOK_SECONDS = 30
FIRST_WAIT_SECONDS = 30
CLOCKS_APART = timedelta(seconds=60)
"""By how much Twilio's clock and ours may differ."""
REFUSED = "refused"


class NewText(msgspec.Struct, frozen=True, kw_only=True):
    """What to send, as in Text."""

    to: str
    sender: str
    body: str
    purpose: Purpose
    not_before: datetime | None = None


def stage_text(unit: Unit, new: NewText, at: datetime) -> Text:
    """Add a text to the unit, and the job that sends it."""
    text = Text(
        id=new_id("txt"),
        company_id=unit.company_id,
        to=new.to,
        sender=new.sender,
        body=new.body,
        purpose=new.purpose,
        not_before=new.not_before,
        created_at=at,
        updated_at=at,
    )
    store.add_text(unit, text)
    unit.enqueue(SendText(company_id=unit.company_id, text_id=text.id))
    return text


def send(job: SendText, context: JobContext) -> None:
    """Do the job; does nothing when the text was sent or has failed already."""
    text = store.find_text(job.company_id, job.text_id)
    if text is None or text.status in FINAL:
        return
    _wait(text, context.clock())
    refusal = store.find_refusal(text.company_id, text.to)
    refused = refusal is not None and refusal.texts
    if refused and not text.may_be_out:
        _finish(text.failed(REFUSED, context.clock()), context)
        return
    # Imported here: most of what this worker does needs no HTTP client.
    from chalicelib.vendors.twilio.client import VENDOR, connected

    require_vendor(VENDOR.code, VENDOR.title)  # before anything is noted of an attempt
    twilio = connected()
    try:
        if text.may_be_out:
            found = _look(text, twilio)
            if found:
                _finish(text.sent(found.sid, context.clock()), context)
                return
            _wait_until_sure(text, context.clock())
        if refused:
            _finish(text.failed(REFUSED, context.clock()), context)
        else:
            _request(text, twilio, context)
    finally:
        twilio.close()


def _wait(text: Text, now: datetime) -> None:
    if text.not_before and now < text.not_before:
        left = int((text.not_before - now).total_seconds()) + 1
        raise Postpone(min(left, LONGEST_DELAY_SECONDS), "not before its time")


def _wait_until_sure(text: Text, now: datetime) -> None:
    if text.sending_since and now - text.sending_since < SURE_AFTER:
        raise Postpone(LOOK_SECONDS, "Twilio may still be taking it")


def _look(text: Text, twilio: "Twilio") -> "TextMessage | None":
    """The text at Twilio: to this number, from this sender, of these words, not older than ours, and nobody else's."""
    since = text.created_at - CLOCKS_APART
    for one in twilio.texts_to(text.to):
        ours = one.body == text.body and (one.from_number == text.sender or text.sender.startswith("MG"))
        if ours and one.created_at and one.created_at >= since and not store.is_claimed(text, one.sid):
            return one
    return None


def _request(text: Text, twilio: "Twilio", context: JobContext) -> None:
    try:
        sending = _save(text.sending(context.clock()), context)
    except Stale:
        raise Postpone(LOOK_SECONDS, "another worker is at it") from None
    try:
        made = twilio.send_text(sending.to, sending.sender, sending.body)
    except OutcomeUnknown:
        _save(sending.lost(context.clock()), context)
        raise Postpone(LOOK_SECONDS, "Twilio's answer was lost") from None
    except RateLimited as busy:
        _save(sending.put_back(context.clock()), context)
        seconds = max(busy.retry_after, FIRST_WAIT_SECONDS * 2 ** min(sending.tries - 1, 5))
        raise Postpone(min(seconds, LONGEST_DELAY_SECONDS), "Twilio asks to wait") from None
    except (VendorRefused, Conflict) as refusal:
        _refused(sending, refusal, context)
    except DomainError:  # never reached Twilio
        _save(sending.put_back(context.clock()), context)
        raise
    else:
        _finish(sending.sent(made.sid, context.clock()), context)


def _refused(text: Text, refusal: DomainError, context: JobContext) -> None:
    from chalicelib.vendors.twilio.client import OPTED_OUT, refused_with

    if refusal.code == "twilio_credentials":  # no fault of the text's: it can be retried once they are right
        _save(text.put_back(context.clock()), context)
        raise refusal
    if refused_with(refusal, OPTED_OUT):
        stopped = NewRefusal(number=text.to, texts=True, reason=record_refusal.STOP)
        record_refusal.refuse(context.unit, stopped, context.clock)
    number = refusal.extra.get("vendor_code")
    _finish(text.failed(f"twilio_{number}" if number else refusal.code, context.clock()), context)


def _save(text: Text, context: JobContext) -> Text:
    unit = context.unit(text.company_id)
    store.save_text(unit, text)
    unit.commit()
    return text


def _finish(text: Text, context: JobContext) -> None:
    unit = context.unit(text.company_id)
    store.save_text(unit, text)
    if text.sid:
        store.claim_sid(unit, text, text.sid)
        unit.publish(TextSent(text_id=text.id, purpose=text.purpose))
    else:
        unit.publish(TextFailed(text_id=text.id, purpose=text.purpose, failure=text.failure or ""))
    unit.audit(f"text.{text.status}", text.id, ("status",))
    unit.commit()
