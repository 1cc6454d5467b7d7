"""Kill the process before and after every outside call of a call that we make; nobody is rung twice."""

from datetime import timedelta

import pytest

from chalicelib.calls.tables import PhoneRow
from infra.local.simulators.twilio.simulator import TwilioSimulator
from tests.calls.telephone import open_branch, phone_calls, twilio
from tests.calls.test_outbound import post, reconcile, started
from tests.kills.dying import Death, run_dying
from tests.kills.test_kills import until_it_survives

__all__ = ["twilio"]


@pytest.mark.slow
def test_a_call_is_made_once_and_known_whatever_dies(twilio: TwilioSimulator) -> None:
    open_branch()
    tried = 0

    def case(death: Death) -> bool:
        nonlocal tried
        tried += 1
        died = run_dying(lambda: post(key=f"k{tried}"), death)
        for held in phone_calls():
            assert reconcile(held.id, timedelta(seconds=80)) in ("queued", "lost")
        # The client sends it once more under the same key: nobody is rung a second time.
        again = post(key=f"k{tried}")
        assert again.status == 201
        assert len(started(twilio)) <= 1
        (found,) = phone_calls()
        assert (found.status == "queued") is bool(started(twilio))
        assert found.vendor_id == next(iter(twilio.account.legs), None)
        twilio.account.legs.clear()
        for row in PhoneRow.scan():
            row.delete()
        return died

    calls = until_it_survives(case)
    print(f"{calls} outside calls, {tried} deaths tried")
    assert calls >= 5
