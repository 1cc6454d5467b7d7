"""Random changes here and there, every webhook lost: after one poll both sides are equal."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chalicelib.booking.jobs import PollCalCom
from chalicelib.core.clock import now
from chalicelib.core.errors import DomainError
from chalicelib.core.inbox import PLATFORM
from chalicelib.core.jobs import JobContext
from chalicelib.integrations.calcom import news as calcom_news
from infra.local.demo_practice import Practice
from infra.local.simulators.calcom.simulator import CalComSimulator
from infra.local.simulators.exchange import Refused
from tests.booking.agreement import ours, recover
from tests.booking.test_changing import booked, call_off, move
from tests.calls.conftest import next_monday
from tests.integrations.calcom.agreement import assert_both_sides_agree, clear
from tests.integrations.calcom.test_polling import there, utc
from tests.sizes import examples

CONTEXT = JobContext("job", 1, False, "cor", PLATFORM, now)
HOURS = st.integers(9, 15)
FAULTS = st.sampled_from(
    [{}, {}, {}, {"status": 500, "apply": True}, {"status": 400, "apply": True}, {"status": 502}, {"drop": True}]
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["book", "move", "give", "cancel", "book there", "move there", "cancel there"]),
        HOURS,
        st.integers(0, 9),
        FAULTS,
    ),
    min_size=2,
    max_size=7,
)


class World:
    """Does steps; what is refused on either side changes nothing."""

    def __init__(self, practice: Practice, calcom: CalComSimulator) -> None:
        self._practice = practice
        self._calcom = calcom

    def do(self, what: str, hour: int, which: int, fault: dict[str, Any]) -> None:
        self._calcom.faults.clear()
        if fault:
            self._calcom.fault(path="/v2/bookings*", method="POST", **fault)
        steps: dict[str, Callable[[], object]] = {
            "book": lambda: booked(self._practice, hour, guest=which),
            "move": lambda: move(self._ours(which), next_monday(hour)),
            "give": lambda: move(self._ours(which), next_monday(hour), staff=("Ada Keller", "Ben Okafor")[which % 2]),
            "cancel": lambda: call_off(self._ours(which)),
            "book there": lambda: there(self._calcom, hour, 101 + which % 2),
            "move there": lambda: self._calcom.bookings.reschedule(self._uid(which), {"start": utc(next_monday(hour))}),
            "cancel there": lambda: self._calcom.bookings.cancel(self._uid(which), {}),
        }
        try:
            steps[what]()
        except (DomainError, Refused, IndexError):
            return

    def _ours(self, which: int) -> Any:
        known = sorted(ours(), key=lambda one: one.id)
        return known[which % len(known)] if known else [][0]

    def _uid(self, which: int) -> str:
        known = list(self._calcom.bookings.all)
        return known[which % len(known)] if known else [][0]


@settings(
    max_examples=examples(10),
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_one_poll_makes_both_sides_equal(through_calcom: Practice, calcom: CalComSimulator, steps: list[Any]) -> None:
    clear(calcom)
    world = World(through_calcom, calcom)
    for step in steps:
        world.do(*step)
    calcom.faults.clear()
    recover()
    calcom_news.poll(PollCalCom(company_id=PLATFORM), CONTEXT)
    recover()
    assert_both_sides_agree(calcom)
