"""What is switched off without a deployment: a vendor, visitors' booking, a type of job. Everything is on unless said.

All that is off lies in one item, which a process reads once in ten seconds: so it takes ten seconds until a switch is
known everywhere, and a request costs nothing more than it did.
"""

import time
from datetime import datetime, timedelta

import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from chalicelib.core.clock import Clock, now
from chalicelib.core.errors import Stale, SwitchedOff
from chalicelib.core.logging import log
from chalicelib.core.retry import until_committed
from chalicelib.core.rows import SwitchRow
from chalicelib.core.tables import Key, encode, fetch_one
from chalicelib.core.unit import UnitFactory

TABLE = "switches"
KEEP_SECONDS = 10.0
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(seconds=900)
"""What is switched off is tried again after half the time it has been off, but within these; SQS holds no longer."""
PUBLIC_BOOKING = "public-booking"
_ALL = "switches"


class Off(msgspec.Struct, frozen=True):
    """Since when something is off, and why, in the words of who switched it off."""

    since: datetime
    why: str = ""


_kept: tuple[float, dict[str, Off]] = (0.0, {})


def vendor(code: str) -> str:
    """The switch of a vendor."""
    return f"vendor:{code}"


def job(name: str) -> str:
    """The switch of a type of job, `booking.MailCustomer`."""
    return f"job:{name}"


def is_off(name: str) -> Off | None:
    """Whether it is switched off, as far as this process knows: at most ten seconds late."""
    global _kept
    until, known = _kept
    if time.monotonic() >= until:
        known = _looked_up(known)
        _kept = (time.monotonic() + KEEP_SECONDS, known)
    return known.get(name)


def require(name: str, code: str, detail: str, clock: Clock = now) -> None:
    """Raises SwitchedOff with that code and detail when it is switched off."""
    found = is_off(name)
    if found is not None:
        raise SwitchedOff(code, detail, retry_after=wait_seconds(found.since, clock()))


def require_vendor(code: str, title: str, clock: Clock = now) -> None:
    """Raises SwitchedOff `<code>_switched_off` when the vendor is not to be called."""
    detail = f"{title} is switched off for the time being, so nothing was asked of it; try again later."
    require(vendor(code), f"{code}_switched_off", detail, clock)


def require_public_booking() -> None:
    """Raises SwitchedOff while visitors cannot book."""
    detail = "Booking online is closed for the moment; call us, or try again later."
    require(PUBLIC_BOOKING, "public_booking_off", detail)


def require_job(name: str, clock: Clock = now) -> None:
    """Raises SwitchedOff when jobs of that type are to wait."""
    require(job(name), "job_switched_off", f"Jobs {name} are switched off for the time being.", clock)


def wait_seconds(since: datetime, at: datetime) -> int:
    """How long to wait before looking again: short outages end soon, long ones cost little."""
    waited = min(max((at - since) / 2, FIRST_WAIT), LONGEST_WAIT)
    return int(waited.total_seconds())


def read() -> dict[str, Off]:
    """All that is off, as DynamoDB has it now; one GetItem."""
    return _off(fetch_one(Key(SwitchRow, _ALL, "off")))


def turn(new_unit: UnitFactory, name: str, off: Off | None) -> bool:
    """Switch it off, or on again (None), with an audit entry; False when it stands so already.

    Switched off anew it keeps its time, and takes the new reason.
    """
    return until_committed(lambda: _turn(new_unit, name, off))


def forget() -> None:
    """Let this process look again (tests, and who has just switched)."""
    global _kept
    _kept = (0.0, {})


def _turn(new_unit: UnitFactory, name: str, off: Off | None) -> bool:
    row = fetch_one(Key(SwitchRow, _ALL, "off"))
    before = _off(row)
    known = before.get(name)
    if off is not None and known is not None:
        off = msgspec.structs.replace(off, since=known.since)
    if off == known:
        return False
    after = {each: value for each, value in before.items() if each != name} | ({name: off} if off else {})
    version = int(row.version) if row else 0
    unit = new_unit()
    unchanged = SwitchRow.version == version if row else SwitchRow.pk.does_not_exist()
    unit.put(SwitchRow(_ALL, "off", data=encode(after), version=version + 1), unchanged, Stale())
    unit.audit("switch.off" if off else "switch.on", name)
    unit.commit()
    forget()
    return True


def _off(row: SwitchRow | None) -> dict[str, Off]:
    return row.model(dict[str, Off]) if row else {}


def _looked_up(known: dict[str, Off]) -> dict[str, Off]:
    try:
        # Eventually consistent, at half the price: ten seconds are more than it lags.
        return _off(fetch_one(Key(SwitchRow, _ALL, "off"), consistent=False))
    except (PynamoDBException, BotoCoreError, ClientError) as error:
        # What was known goes on to hold: nobody is turned away because this cannot be read.
        log.warning("switches cannot be read", extra={"why": str(error)})
        return known
