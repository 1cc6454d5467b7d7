"""Kill the process before and after every outside call of a text's way out; the text is sent once."""

from datetime import timedelta

import pytest

from chalicelib.core import relay
from chalicelib.core.clock import now
from chalicelib.core.jobs import Postpone
from chalicelib.core.rows import FailedJobRow
from chalicelib.messaging import send_text, store
from chalicelib.messaging.jobs import SendText
from chalicelib.messaging.tables import MessagingRow
from chalicelib.messaging.text import Text
from infra.local.simulators.twilio.simulator import TwilioSimulator
from tests.calls.telephone import COMPANY, context, miss, open_branch, twilio
from tests.calls.test_missed import text_back
from tests.draining import drain
from tests.kills.dying import Death, run_dying
from tests.kills.test_kills import messages_come_back_at_once, until_it_survives

__all__ = ["twilio"]


@pytest.mark.slow
def test_a_missed_caller_is_texted_once_whatever_dies(twilio: TwilioSimulator) -> None:
    open_branch()
    messages_come_back_at_once()
    tried = 0

    def case(death: Death) -> bool:
        nonlocal tried
        tried += 1
        caller = f"+49151123456{tried:02}"
        one = miss(caller)

        def work() -> None:
            text_back(one)
            _send_all()

        died = run_dying(work, death)
        text_back(one)  # SQS delivers the job again
        relay.sweep(now() + timedelta(minutes=5))
        _send_all(later=timedelta(seconds=80))
        drain()
        assert [text["to"] for text in twilio.account.texts.values()].count(caller) == 1
        (text,) = [found for found in _texts() if found.to == caller]
        assert text.status == "sent"
        assert text.sid in twilio.account.texts
        for row in MessagingRow.scan():
            row.delete()
        return died

    calls = until_it_survives(case)
    print(f"{calls} outside calls, {tried} deaths tried")
    assert calls >= 8
    assert list(FailedJobRow.scan()) == []


def _texts() -> list[Text]:
    return [row.model(Text) for row in MessagingRow.scan() if row.sk == "text"]


def _send_all(later: timedelta = timedelta()) -> None:
    """Do the jobs of all texts that are not out yet, as the queue would deliver them."""
    for text in _texts():
        if store.find_text(COMPANY, text.id) == text and text.status != "sent":
            try:
                send_text.send(SendText(company_id=COMPANY, text_id=text.id), context(later=later))
            except Postpone:
                continue
