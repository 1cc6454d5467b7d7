"""Slowing down who guesses, per account and per address: every attempt is counted before it is looked at."""

from dataclasses import dataclass

from chalicelib.core.addresses import network_of
from chalicelib.core.clock import Clock, epoch
from chalicelib.core.errors import RateLimited, Unavailable
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import Unit
from chalicelib.identity import guard_store
from chalicelib.identity.login_attempts import FORGOTTEN_AFTER_SECONDS, FREE_PER_ACCOUNT, FREE_PER_ADDRESS

TRIES = 10
"""Attempts made at the same moment read the counter again; whoever still finds it changed is guessing in parallel."""


@dataclass(frozen=True)
class Slowed:
    """What is slowed: `what` (signing in, asking for resets) by this account (e-mail) from this address (IP)."""

    what: str
    email: str
    address: str

    @property
    def account_counter(self) -> str:
        """The name of the account's counter."""
        return guard_store.name_of(f"{self.what}-account", self.email)

    @property
    def address_counter(self) -> str:
        """The name of the counter of the address's network."""
        return guard_store.name_of(f"{self.what}-address", network_of(self.address))


def count(slowed: Slowed, clock: Clock) -> None:
    """Count an attempt, of which neither counter can lose sight; raises RateLimited where one says to wait."""

    def attempt() -> None:
        unit = Unit("", clock=clock)
        stage(unit, slowed, clock)
        unit.commit()

    try:
        until_committed(attempt, "too_many_attempts", "Too many attempts at once.", tries=TRIES)
    except Unavailable as busy:
        raise (_wait(1) if busy.code == "too_many_attempts" else busy) from None


def stage(unit: Unit, slowed: Slowed, clock: Clock) -> None:
    """Let the unit count the attempt; it ends as Stale when there was another at the same moment.

    Raises RateLimited where a counter says to wait. An attempt refused is not counted, so that the wait ends.
    """
    at = epoch(clock())
    free = {slowed.account_counter: FREE_PER_ACCOUNT, slowed.address_counter: FREE_PER_ADDRESS}
    seen = guard_store.find_attempts(list(free))
    wait = max(attempts.wait(at, free[name]) for name, attempts in seen.items())
    if wait:
        raise _wait(wait)
    for name, attempts in seen.items():
        guard_store.save_attempts(unit, name, attempts, attempts.counted(at))


def forgive(unit: Unit, slowed: Slowed, clock: Clock) -> None:
    """After a success: the account begins anew; the address gets back this one attempt.

    Not more than that, or a guesser could wash an address clean with an account of their own.
    """
    guard_store.forget(unit, slowed.account_counter)
    guard_store.give_back(unit, slowed.address_counter, epoch(clock()) + FORGOTTEN_AFTER_SECONDS)


def forget_account(unit: Unit, slowed: Slowed) -> None:
    """After the account was proved to be the caller's by other means: it begins anew."""
    guard_store.forget(unit, slowed.account_counter)


def _wait(seconds: int) -> RateLimited:
    return RateLimited("too_many_attempts", f"Too many attempts; wait {seconds} seconds.", retry_after=seconds)
