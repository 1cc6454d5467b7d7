"""A vendor in one folder: where adapters are looked for it is found by its name, and is gone afterwards."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from chalicelib import integrations
from chalicelib.booking.practice.models import ANYONE, SERVICE, STAFF
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.core.references import Reference
from chalicelib.core.settings import settings
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice, demo_practice
from tests.conftest import EmbeddedAws
from tests.integrations.toy_vendor.simulator import KEY, ToySimulator

COMPANY = "com_test"
DESKS = {"Ada Keller": "window", "Ben Okafor": "door"}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Toy's adapter lies among the others."""
    monkeypatch.setattr(integrations, "__path__", [*integrations.__path__, str(Path(__file__).parent)])
    yield
    for name in [name for name in sys.modules if name.startswith("chalicelib.integrations.toy")]:
        del sys.modules[name]


@pytest.fixture
def toy(aws: EmbeddedAws, installed: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[ToySimulator]:
    """A Toy that takes consultations and massages at two desks."""
    simulator = ToySimulator({"talk": 30, "talk-window": 30, "talk-door": 30, "massage": 60}, tuple(DESKS.values()))
    monkeypatch.setenv("TOY_URL", simulator.start())
    monkeypatch.setenv("TOY_KEY", KEY)
    monkeypatch.setenv("PILOT_VENDOR_TIMEOUT_SECONDS", "1")
    settings.cache_clear()
    yield simulator
    simulator.stop()


@pytest.fixture
def through_toy(toy: ToySimulator) -> Practice:
    """The demo practice, whose Berlin branch books through Toy: one kind of reservation for everybody."""
    return opened({"Consultation": {ANYONE: "talk"}, "Massage": {ANYONE: "massage"}})


@pytest.fixture
def each_their_own(toy: ToySimulator) -> Practice:
    """The same where each member of staff has reservations of their own."""
    ada, ben, *_ = demo_practice(COMPANY).staff
    return opened({"Consultation": {ada.id: "talk-window", ben.id: "talk-door"}})


def opened(services: dict[str, dict[str, str]]) -> Practice:
    """Save the practice; `services`: what Toy books each as, per staff id or for anyone."""
    made = demo_practice(COMPANY, calcom=False)
    branches = (replace(made.branches[0], books_through="toy"),)
    referring = tuple(
        replace(one, references=tuple(Reference("toy", SERVICE, what, whose) for whose, what in theirs.items()))
        for one in made.services
        for theirs in [services.get(one.name, {})]
    )
    staff = tuple(
        replace(one, references=(Reference("toy", STAFF, DESKS[one.name]),)) for one in made.staff if one.name in DESKS
    )
    save_practice(lambda: Unit(COMPANY), branches, referring, staff)
    return Practice(branches, referring, staff, ())
