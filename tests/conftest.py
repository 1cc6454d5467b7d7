"""What every test may ask for: the embedded AWS with the house's tables and queues, in an account of its own."""

from collections import Counter
from collections.abc import Iterator

import pytest

from chalicelib.booking.allocation import context as branch_context
from chalicelib.booking.availability import search_index_store
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.core import secrets, switches, vault
from chalicelib.core.settings import settings
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice, demo_practice
from infra.local.simulators.fattureincloud.simulator import FattureInCloudSimulator
from tests.accounts import Clients, Emulator, new_account
from tests.held_to_needs import held_to_needs
from tests.sizes import load_profile

load_profile()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, then long ones: at the end no worker waits for what another began last."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    length = Counter(item.path for item in items)
    # Kills fork their worker, which is small in the beginning.
    items.sort(key=lambda item: (item.path not in slow, "kills" not in item.path.parts, -length[item.path]))


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """One MiniStack for this worker's whole run."""
    running = Emulator()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def clients() -> Clients:
    """The botocore clients of this worker's whole run."""
    return Clients()


class EmbeddedAws:
    """An isolated account on the embedded AWS; a 12-digit access key is an account."""

    def __init__(self, emulator: Emulator, fic: FattureInCloudSimulator) -> None:
        self.emulator = emulator
        self.url = emulator.url
        self.fic = fic
        self.account = new_account()

    def environment(self) -> dict[str, str]:
        """What a process needs to live in this account."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.account,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCOUNT_ID": self.account,
            "AWS_EC2_METADATA_DISABLED": "true",
            "PILOT_STAGE": "test",
            "PILOT_PREFIX": "pilot-test",
            "PILOT_LOG_LEVEL": "WARNING",
            "RETELL_API_KEY": "key_test",
            "CALCOM_API_KEY": "cal_test",
            "CALCOM_WEBHOOK_SECRET": "whsec_test",
            "PEOPLE_KEY": "people_key_of_the_tests_0123456789abcdef",
            "TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000000",
            "TWILIO_AUTH_TOKEN": "twilio_test",
            "FIC_CLIENT_ID": self.fic.access.client_id,
            "FIC_CLIENT_SECRET": self.fic.access.client_secret,
            "FIC_BASE_URL": self.fic.url,
            "FIC_OAUTH_URL": f"{self.fic.url}/oauth",
            "FIC_WEBHOOK_PUBLIC_KEY": self.fic.public_key,
        }


@pytest.fixture(scope="session")
def fic_server() -> Iterator[FattureInCloudSimulator]:
    """One Fatture in Cloud for this worker's whole run; take `fic`."""
    simulator = FattureInCloudSimulator()
    simulator.start()
    yield simulator
    simulator.stop()


@pytest.fixture
def fic(fic_server: FattureInCloudSimulator) -> Iterator[FattureInCloudSimulator]:
    """The simulated Fatture in Cloud as it begins, and where every client of it is pointed in tests."""
    fic_server.reset()
    yield fic_server
    fic_server.webhooks.settle()
    fic_server.reset()


@pytest.fixture
def aws(
    emulator: Emulator, clients: Clients, fic_server: FattureInCloudSimulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EmbeddedAws]:
    """The tables and queues of the house, empty, in a fresh account."""
    made = EmbeddedAws(emulator, fic_server)
    for name, value in made.environment().items():
        monkeypatch.setenv(name, value)
    _forget()
    with clients.of(made.account):
        emulator.furnish(made.account)
        with held_to_needs(monkeypatch) as strayed:
            yield made
            assert strayed == [], "a job touched what it does not declare in `needs`"
    emulator.forget(made.account)
    _forget()


def _forget() -> None:
    settings.cache_clear()
    secrets._kept.clear()
    vault.forget()
    switches.forget()
    branch_context.forget()
    search_index_store.forget()


@pytest.fixture
def practice(aws: EmbeddedAws) -> Practice:
    """The demo practice of the company `com_test`, booked without Cal.com."""
    return open_practice("com_test", calcom=False)


def open_practice(company_id: str, *, calcom: bool, suffix: str = "", shift: int = 0) -> Practice:
    """Save the demo practice for a company."""
    made = demo_practice(company_id, calcom=calcom, suffix=suffix, shift=shift)
    save_practice(lambda: Unit(company_id), made.branches, made.services, made.staff)
    return made
