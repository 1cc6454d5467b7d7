"""How much a run of the tests tries, said once: PILOT_TEST_SIZE is house (`make test`), check (CI) or soak."""

import os
from dataclasses import dataclass

from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

USUAL_EXAMPLES = 100
FEWEST_EXAMPLES = 3


@dataclass(frozen=True)
class Size:
    """Of one run. `examples` is for a property test that asks for the usual hundred; others get their share of it."""

    examples: int
    rounds: int
    every_moment: bool


SIZES = {
    "house": Size(examples=15, rounds=1, every_moment=False),
    "check": Size(examples=USUAL_EXAMPLES, rounds=5, every_moment=True),
    "soak": Size(examples=10 * USUAL_EXAMPLES, rounds=50, every_moment=True),
}
_name = os.environ.get("PILOT_TEST_SIZE", "house")
if _name not in SIZES:
    raise SystemExit(f"PILOT_TEST_SIZE is {_name!r}; it is one of {', '.join(SIZES)}.")
_size = SIZES[_name]

ROUNDS = _size.rounds
"""How often each race is run."""

EVERY_MOMENT = _size.every_moment
"""Whether work is killed before and after each of its outside calls, or at some of them only."""


def load_profile() -> None:
    """Make the size the profile of every property test."""
    for name, size in SIZES.items():
        # How long an example takes says something of the machine, and nothing of the code.
        hypothesis_settings.register_profile(
            name, max_examples=size.examples, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        )
    hypothesis_settings.load_profile(_name)


def examples(number: int) -> int:
    """How many examples a property test tries that tries `number` in CI."""
    return max(FEWEST_EXAMPLES, number * _size.examples // USUAL_EXAMPLES)
