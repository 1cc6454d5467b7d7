"""Accounts on the embedded AWS, one for each test: copies of one with the house's tables and queues, made once."""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import urllib3
from botocore.credentials import Credentials
from botocore.session import Session

from chalicelib.core import aws
from infra.local import ministack
from infra.local.ministack import Variant
from infra.local.provision import provision

T = TypeVar("T")
LAUNCHER = Path(__file__).with_name("emulator.py")
SHARED = "PILOT_TEST_EMULATOR"
"""Where a MiniStack runs already, for runs of a single test or two, which would mostly start one; one at a time."""


def new_account() -> str:
    """A 12-digit access key is an account of its own."""
    return str(random.randrange(100_000_000_000, 999_999_999_999))


class Emulator:
    """A MiniStack of a worker's own: two workers that wait for one process leave a core idle."""

    def __init__(self) -> None:
        running = os.environ.get(SHARED)
        self._own = None if running else ministack.start(variant=Variant(launcher=LAUNCHER))
        self._http = urllib3.PoolManager(retries=False)
        self._kept: dict[str, tuple[int, Any]] = {}
        self.url = running or (self._own.url if self._own else "")

    def furnish(self, account: str) -> None:
        """Give the account, in which the process lives, the tables and queues of the house.

        By copying: forty calls for each of three thousand tests were a third of all the time they took.
        """
        # Tests have clocks of their own, some of them in the past: MiniStack, which looks at the real one once a
        # minute, would take away a hold that still holds.
        self.once(account, "house", lambda: provision(expiry=False))

    def once(self, account: str, name: str, prepare: Callable[[], T]) -> T:
        """Let `prepare` do its work in the account, in which the process lives, and give what it gave.

        After the first time the account gets a copy of all that lay in it then instead.
        """
        if name in self._kept:
            number, made = self._kept[name]
            self._do(f"{account}/become/{number}")
        else:
            number, made = len(self._kept), prepare()
            self._do(f"{account}/keep/{number}")
            self._kept[name] = number, made
        found: T = made
        return found

    def rows(self, account: str) -> dict[str, list[dict[str, dict[str, str]]]]:
        """Every item of every table, as DynamoDB's JSON, in one request instead of twenty."""
        found: dict[str, list[dict[str, dict[str, str]]]] = self._do(f"{account}/rows")
        return found

    def forget(self, account: str) -> None:
        """Take away everything in the account."""
        self._do(f"{account}/forget")

    def _do(self, what: str) -> Any:
        answer = self._http.request("POST", f"{self.url}/_test/accounts/{what}", timeout=30)
        assert answer.status == 200, f"{what}: {answer.status} {answer.data!r}"
        return answer.json()

    def stop(self) -> None:
        self._http.clear()
        if self._own:
            self._own.stop()


class Clients:
    """Botocore clients that outlive a test: making five takes 0.1 seconds, and only their credentials change."""

    def __init__(self) -> None:
        self._credentials = Credentials("", "test")
        self._session = Session()
        self._session._credentials = self._credentials
        self._made: dict[str, Any] = {}

    @contextmanager
    def of(self, account: str) -> Iterator[None]:
        """The house uses them in that account, until it forgets its clients by itself."""
        self._credentials.access_key = account
        aws.forget_clients()
        aws._session = self._session
        aws._clients.update(self._made)
        yield
        if aws._session is self._session:
            self._made = dict(aws._clients)
        aws.forget_clients()
