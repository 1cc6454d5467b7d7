"""`make run` while people book and it is killed in parts: what was acknowledged stands, or it is said what is gone."""

import os
import random
import resource
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from infra.local.demo_practice import demo_practice
from tests.local.checkout import START_SECONDS, Checkout, alive, until

pytestmark = pytest.mark.slow

SAVE_SECONDS = 1.0
LOSS_SECONDS = SAVE_SECONDS + 10.0
"""What a kill may cost here: the time between two saves, and a save on a machine that is busy with other tests."""
PRACTICE = demo_practice("com_000000000000000DEMO1")
BERLIN, NEW_YORK = PRACTICE.branches
SEED = int(os.environ.get("PILOT_SEED", random.randrange(10**6)))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """One system for all of these: whatever was done to it before, it goes on."""
    made = Checkout(tmp_path_factory.mktemp("kills"), PILOT_LOCAL_SAVE_SECONDS=str(SAVE_SECONDS))
    yield made
    made.end()


@pytest.fixture
def booker(checkout: Checkout) -> Iterator["Booker"]:
    """Books as long as the test lasts, or until it is stopped."""
    if checkout.running is None:
        checkout.start()
    made = Booker(checkout)
    made.start()
    yield made
    made.stop()


def weekday(days: int, hour: int, minute: int, zone: str) -> str:
    """A time of a working day so many working days from tomorrow, as ISO 8601."""
    day = datetime.now(ZoneInfo(zone)).replace(hour=hour, minute=minute, second=0, microsecond=0) + timedelta(days=1)
    while day.weekday() > 4 or days:
        days -= day.weekday() <= 4
        day += timedelta(days=1)
    return day.isoformat()


class Booker:
    """Books one haircut after the other until stopped; `acknowledged`: ids with the times of their answers."""

    times: Iterator[dict[str, Any]] | None = None

    def __init__(self, checkout: Checkout) -> None:
        self.acknowledged: list[tuple[str, datetime]] = []
        self._checkout = checkout
        Booker.times = Booker.times or self._times()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(START_SECONDS)

    def wait_for(self, number: int) -> None:
        """Until so many more are booked."""
        needed = len(self.acknowledged) + number
        until(lambda: len(self.acknowledged) >= needed, START_SECONDS)

    @staticmethod
    def _times() -> Iterator[dict[str, Any]]:
        staff = [member.name for member in PRACTICE.staff if member.home_branch_id == NEW_YORK.id]
        for day in range(60):
            for step in range(10):
                for name in staff:
                    at = weekday(day, 9 + step * 45 // 60, step * 45 % 60, NEW_YORK.zone)
                    phone = f"+1212555{random.randrange(10**4):04}"
                    booking_request = {"branch_id": NEW_YORK.id, "service": "Haircut", "starts_at": at, "staff": name}
                    yield {**booking_request, "customer": {"phone": phone}}

    def _run(self) -> None:
        assert Booker.times is not None
        while not self._stop.is_set():
            self._book(next(Booker.times), uuid.uuid4().hex)

    def _book(self, booking_request: dict[str, Any], key: str) -> None:
        # A client that was not answered asks again, with the same key.
        while not self._stop.is_set():
            try:
                answer = self._checkout.request(
                    "POST", "/api/appointments", booking_request, **{"Idempotency-Key": key}
                )
            except (requests.RequestException, OSError, ValueError):
                time.sleep(0.05)
                continue
            if answer.status_code == 201:
                self.acknowledged.append((answer.json()["id"], datetime.now(UTC)))
            if answer.status_code < 500 and answer.status_code not in (401, 429):
                return
            time.sleep(0.05)


def missing(checkout: Checkout, booker: Booker) -> list[datetime]:
    """When those were acknowledged that are not there any more."""
    gone = []
    for appointment_id, at in booker.acknowledged:
        answer = checkout.request("GET", f"/api/appointments/{appointment_id}")
        assert answer.status_code in (200, 404), answer.text
        if answer.status_code == 404:
            gone.append(at)
    return gone


def booked_at_calcom(checkout: Checkout, number: int = 0) -> dict[str, Any]:
    """A consultation in the branch that books through Cal.com."""
    booking_request = {
        "branch_id": BERLIN.id, "service": "Consultation", "starts_at": weekday(number, 10, 0, BERLIN.zone),
        "customer": {"name": "Mara Lindner", "phone": "+4915112345678", "email": "mara@example.com"},
    }  # fmt: skip
    answer = checkout.request("POST", "/api/appointments", booking_request)
    assert answer.status_code == 201, answer.text
    appointment_id = answer.json()["id"]
    until(lambda: checkout.get(f"/api/appointments/{appointment_id}")["status"] == "confirmed", START_SECONDS)
    found: dict[str, Any] = checkout.get(f"/api/appointments/{appointment_id}")
    return found


def counted(checkout: Checkout) -> int:
    """How many bookings the figures know: each has gone through outbox, relay, queue and worker."""
    return int(checkout.get("/api/analytics/recent")["bookings"])


def at_calcom(checkout: Checkout) -> set[int]:
    """The bookings that the simulated Cal.com has; none while it is being started again."""
    try:
        return {one["id"] for one in checkout.bookings()}
    except requests.ConnectionError:
        return set()


def starts(checkout: Checkout) -> list[str]:
    """Of what stands in the branch that books through Cal.com."""
    listed = checkout.get(f"/api/appointments?branch_id={BERLIN.id}")["data"]
    return [each["starts_at"] for each in listed if each["status"] == "confirmed"]


def test_whatever_is_killed_what_was_acknowledged_stands_or_is_said_to_be_gone(
    checkout: Checkout, booker: Booker
) -> None:
    token = checkout.ready()["token"]
    checkout.wait_for_a_save()
    rng = random.Random(SEED)
    print(f"PILOT_SEED={SEED}")
    names = [name for name in checkout.ready()["pids"] if name != "supervisor"]
    rng.shuffle(names)
    killed: dict[str, datetime] = {}
    for name in names:
        time.sleep(rng.uniform(0.2, 1.0))
        killed[name] = datetime.now(UTC)
        checkout.kill(name)
    booker.wait_for(5)
    booker.stop()

    for at in missing(checkout, booker):
        assert killed["aws"] - timedelta(seconds=LOSS_SECONDS) <= at <= killed["aws"] + timedelta(seconds=1)
        assert min(checkout.as_of()) <= at + timedelta(seconds=1)
    for name in names:
        what = "The embedded AWS" if name == "aws" else name
        assert f"{what} ended unexpectedly (killed by SIGKILL); it is started again" in checkout.output()
    assert checkout.request("GET", "/api/calls", token=token).status_code == 200
    assert checkout.ready()["token"] == token
    assert set(checkout.ready()["restarts"].values()) == {1}


def test_after_the_embedded_aws_was_killed_events_go_on_at_once(checkout: Checkout, booker: Booker) -> None:
    booker.wait_for(5)
    booker.stop()
    checkout.wait_until_saved()
    checkout.kill("aws")
    before, begun = counted(checkout), time.monotonic()
    another = Booker(checkout)
    another.start()
    until(lambda: len(another.acknowledged) >= 1, START_SECONDS)
    another.stop()
    until(lambda: counted(checkout) > before, START_SECONDS)
    # It was 143 s while the relay waited beyond the end of the new stream.
    assert time.monotonic() - begun < 100
    assert not missing(checkout, booker)


def test_what_the_embedded_aws_has_lost_comes_back_from_calcom(checkout: Checkout, booker: Booker) -> None:
    booker.stop()
    checkout.wait_until_saved()
    # From here on it cannot save, as on a full disk.
    resource.prlimit(checkout.ready()["pids"]["aws"], resource.RLIMIT_FSIZE, (1000, 1000))
    held = booked_at_calcom(checkout)
    until(lambda: "The data could not be saved: File too large" in checkout.output(), START_SECONDS)
    said = len(checkout.as_of())
    checkout.kill("aws")
    assert len(checkout.as_of()) == said + 1
    until(lambda: held["starts_at"] in starts(checkout), START_SECONDS)


def test_a_killed_calcom_knows_what_we_hold(checkout: Checkout, booker: Booker) -> None:
    held = {booked_at_calcom(checkout, number)["calcom_booking_id"] for number in range(5, 8)}
    checkout.kill("calcom")
    until(lambda: held <= at_calcom(checkout), START_SECONDS)


def test_when_make_run_itself_is_killed_all_is_saved(checkout: Checkout, booker: Booker) -> None:
    booker.wait_for(10)
    killed(checkout, "supervisor")
    booker.stop()
    checkout.start()
    assert not missing(checkout, booker)
    assert not checkout.as_of()


def test_when_all_is_killed_at_once_the_next_start_says_from_when_its_data_is(
    checkout: Checkout, booker: Booker
) -> None:
    booker.wait_for(10)
    held = booked_at_calcom(checkout, 10)
    at = datetime.now(UTC)
    killed(checkout, *checkout.ready()["pids"])
    booker.stop()
    checkout.start()
    saved_at = checkout.as_of()
    for when in missing(checkout, booker):
        assert at - timedelta(seconds=LOSS_SECONDS) <= when
        assert saved_at
        assert saved_at[0] <= when + timedelta(seconds=1)
    # Cal.com knows every booking that we hold; what it alone knows comes back from there.
    assert held["calcom_booking_id"] in at_calcom(checkout)
    until(lambda: held["starts_at"] in starts(checkout), START_SECONDS)


def test_a_token_that_was_lost_is_printed_again(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, PILOT_LOCAL_SAVE_SECONDS="3600")
    checkout.start()
    try:
        before = checkout.ready()["token"]
        checkout.kill("aws")
        token = checkout.ready()["token"]
        assert token != before
        assert f"The token is now {token}" in checkout.output()
        assert "ended before anything was saved, and begins anew" in checkout.output()
        assert checkout.request("GET", "/api/calls", token=token).status_code == 200
        assert checkout.request("GET", "/api/calls", token=before).status_code == 401
    finally:
        checkout.end()


def killed(checkout: Checkout, *names: str) -> None:
    """Kill these of its processes, and wait until none of all is left."""
    running, pids = checkout.running, checkout.ready()["pids"]
    assert running is not None
    for name in names:
        os.kill(pids[name], signal.SIGKILL)
    running.wait()
    until(lambda: not any(alive(pid) for pid in pids.values()), START_SECONDS)
