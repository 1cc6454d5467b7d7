"""Attempts: how guessing is slowed, as a rule about how many there were and when the last one was."""

from dataclasses import dataclass

FREE_PER_ACCOUNT = 5
FREE_PER_ADDRESS = 20
"""More, since everybody in a practice comes from one address; a guesser who tries one password on many accounts
is stopped by it all the same."""
FIRST_WAIT_SECONDS = 5
LONGEST_WAIT_SECONDS = 15 * 60
FORGOTTEN_AFTER_SECONDS = 24 * 3600
"""After the last attempt. Shorter would let a patient guesser begin anew with free attempts many times a day."""


@dataclass(frozen=True)
class LoginAttempts:
    """`number` attempts, of which none was a success; `expires_at` (seconds since 1970) follows from the last one.

    `expires_at` None: there were none.
    """

    number: int = 0
    expires_at: int | None = None

    def wait(self, at: int, free: int) -> int:
        """Seconds until the next may be made: none for the first `free`, then 5, 10, 20, … up to 15 minutes."""
        if self._forgotten(at) or self.number < free:
            return 0
        assert self.expires_at is not None
        last = self.expires_at - FORGOTTEN_AFTER_SECONDS
        doublings = min(self.number - free, 16)  # far beyond the longest wait
        return max(0, last + min(FIRST_WAIT_SECONDS << doublings, LONGEST_WAIT_SECONDS) - at)

    def counted(self, at: int) -> "LoginAttempts":
        """One more, at `at`."""
        return LoginAttempts(1 if self._forgotten(at) else self.number + 1, at + FORGOTTEN_AFTER_SECONDS)

    def _forgotten(self, at: int) -> bool:
        return self.expires_at is None or self.expires_at <= at
