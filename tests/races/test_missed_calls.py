"""Many missed calls of one caller at once get one text; one call told many times at once is one call."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.calls import answer_phone
from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from chalicelib.vendors.twilio.webhook import VoiceEvent
from infra.local.demo_practice import BERLIN_PHONE
from infra.local.simulators.twilio.simulator import TwilioSimulator
from tests.calls.telephone import CALLER, miss, only, open_branch, twilio
from tests.calls.test_missed import text_back
from tests.draining import drain
from tests.sizes import ROUNDS

__all__ = ["twilio"]
THREADS = 16


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_many_missed_calls_get_one_text(twilio: TwilioSimulator, round_number: int) -> None:
    open_branch()
    calls = [miss() for _ in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        said = list(pool.map(text_back, calls))
    assert (said.count("queued"), said.count("texted_already")) == (1, THREADS - 1)
    drain()
    assert len(twilio.account.texts) == 1


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_one_call_told_many_times_is_one_call(twilio: TwilioSimulator, round_number: int) -> None:
    open_branch()
    event = VoiceEvent(call_sid=f"CA{round_number}", from_number=CALLER, to_number=BERLIN_PHONE)
    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(lambda _: answer_phone.answer(event, Unit, now), range(THREADS)))
    assert len(set(answers)) == 1
    assert only().vendor_id == event.call_sid
