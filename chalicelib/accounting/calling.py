"""Calling Fatture in Cloud in an account's name: within its quota, with a token that holds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chalicelib.accounting.account import Account
from chalicelib.core.clock import Clock
from chalicelib.core.unit import Unit
from chalicelib.vendors.fattureincloud import FattureInCloud


@contextmanager
def calling(
    company_id: str, account: Account | str, begin: Callable[[], Unit], clock: Clock, calls: int = 1
) -> Iterator[FattureInCloud]:
    """A client for `calls` calls, which are taken off what FIC grants the account's company.

    Raises RateLimited when there are none left, which a job leaves to the queue; Conflict `fic_not_connected`.
    """
    raise NotImplementedError
    yield
