"""Accounts on the embedded AWS, one for each test: copies of one with the house's tables and queues, made once."""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.session import Session

from chalicelib.core import aws
from infra.local import ministack
from infra.local.provision import provision

LAUNCHER = Path(__file__).with_name("emulator.py")


def new_account() -> str:
    """A 12-digit access key is an account of its own."""
    return str(random.randrange(100_000_000_000, 999_999_999_999))


class Emulator:
    """A MiniStack of a worker's own: two workers that wait for one process leave a core idle."""

    def __init__(self) -> None:
        self._running = ministack.start(launcher=LAUNCHER)
        self._http = urllib3.PoolManager(retries=False)
        self._first: str | None = None
        self.url = self._running.url

    def furnish(self, account: str) -> None:
        """Give the account, in which the process lives, the tables and queues of the house.

        By copying: forty calls for each of three thousand tests were a third of all the time they took.
        """
        if self._first:
            self._do(f"{self._first}/copy/{account}")
            return
        # Tests have clocks of their own, some of them in the past: MiniStack, which looks at the real one once a
        # minute, would take away a hold that still holds.
        provision(expiry=False)
        self._do(f"{account}/keep")
        self._first = account

    def forget(self, account: str) -> None:
        """Take away everything in the account."""
        self._do(f"{account}/forget")

    def _do(self, what: str) -> None:
        answer = self._http.request("POST", f"{self.url}/_test/accounts/{what}", timeout=30)
        assert answer.status == 200, f"{what}: {answer.status} {answer.data!r}"

    def stop(self) -> None:
        self._http.clear()
        self._running.stop()


class _OfTheEnvironment(Credentials):
    """Whose credentials the environment names at this moment."""

    def __init__(self) -> None:
        super().__init__("", "")

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return ReadOnlyCredentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], None)


class Clients:
    """Botocore clients that outlive a test: making five takes 0.1 seconds, and only their credentials change."""

    def __init__(self) -> None:
        self._session = Session()
        self._session._credentials = _OfTheEnvironment()
        self._made: dict[str, Any] = {}

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """The house uses them, until it forgets its clients by itself."""
        aws.forget_clients()
        aws._session = self._session
        aws._clients.update(self._made)
        yield
        if aws._session is self._session:
            self._made = dict(aws._clients)
        aws.forget_clients()
