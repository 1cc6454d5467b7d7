"""What identity keeps among the guards: counters of attempts, and which jobs have mailed."""

import hashlib
from collections.abc import Sequence

from chalicelib.core.rows import GuardRow
from chalicelib.core.tables import Key, fetch_map
from chalicelib.core.unit import Unit
from chalicelib.identity.login_attempts import LoginAttempts


def name_of(what: str, value: str) -> str:
    """The counter of `what` for an e-mail or an IP address, which is kept as its SHA-256 only."""
    return f"attempts#{what}#{hashlib.sha256(value.encode()).hexdigest()}"


def find_attempts(names: Sequence[str]) -> dict[str, LoginAttempts]:
    """What each counter says, by its name; one request."""
    keys = {name: Key(GuardRow, name, "guard") for name in names}
    rows = fetch_map(keys.values())
    return {name: _attempts(rows[key]) for name, key in keys.items()}


def save_attempts(unit: Unit, name: str, seen: LoginAttempts, now: LoginAttempts) -> None:
    """Write the counter; the unit ends as Stale when it is not as it was `seen`, so that every attempt counts."""
    unchanged = GuardRow.pk.does_not_exist()
    if seen.expires_at is not None:
        unchanged = (GuardRow.tally == seen.number) & (GuardRow.expires_at == seen.expires_at)
    unit.put(GuardRow(name, "guard", tally=now.number, expires_at=now.expires_at), unchanged)


def give_back(unit: Unit, name: str, expires_at: int) -> None:
    """Take one attempt off the counter, whatever it says by now."""
    unit.update(GuardRow(name, "guard"), [GuardRow.tally.add(-1), GuardRow.expires_at.set(expires_at)])


def forget(unit: Unit, name: str) -> None:
    """Begin anew."""
    unit.delete(GuardRow(name, "guard"))


def has_mailed(company_id: str, job_id: str) -> bool:
    """Whether the job has sent its mail; one request."""
    return GuardRow.find(_mail_pk(company_id, job_id), "guard") is not None


def mark_mailed(unit: Unit, job_id: str, expires_at: int) -> None:
    """Note that it has."""
    unit.put(GuardRow(_mail_pk(unit.company_id, job_id), "guard", expires_at=expires_at))


def _mail_pk(company_id: str, job_id: str) -> str:
    return f"{company_id}#mailed#{job_id}"


def _attempts(row: GuardRow | None) -> LoginAttempts:
    if row is None or row.expires_at is None:
        return LoginAttempts()
    return LoginAttempts(int(row.tally or 0), int(row.expires_at))
