"""A session and the account that pays for it, as values: nothing is stored."""

from datetime import date, timedelta
from typing import Any

from msgspec.structs import replace

from chalicelib.text_sessions.meter import Meter
from chalicelib.text_sessions.plan import Terms
from chalicelib.text_sessions.session import Session
from chalicelib.text_sessions.subscription import Account, Subscription
from tests.text_sessions.room import NOON

PLANNED = 60
"""Minutes after which an interval in which nobody writes is the last."""


def session(**fields: Any) -> Session:
    """One that started at noon."""
    made = Session(
        id="txs_1", company_id="c", appointment_id="apt_1", patient_id="cus_1", doctor_id="stf_1",
        subscription_id="sub_1", start_time=NOON, planned_until=NOON + timedelta(minutes=PLANNED), created_at=NOON,
        updated_at=NOON,
    )  # fmt: skip
    return replace(made, **fields)


def account(balance: int, **fields: Any) -> Account:
    """An account with so many sessions left, granted once and without end."""
    subscription = Subscription(
        id="sub_1", company_id="c", patient_id="cus_1", plan_id="pln_1",
        terms=Terms(sessions=max(balance, 1), period="once", zone="UTC"), first_day=date(2026, 11, 23),
        period_starts_at=NOON, period_ends_at=None, sessions_total=balance, sessions_remaining=balance,
        created_at=NOON, updated_at=NOON,
    )  # fmt: skip
    return Account(replace(subscription, **fields))


def started(balance: int, **fields: Any) -> Meter:
    """A session whose first interval has been reserved, out of so many."""
    made = session(**fields)
    return Meter(made, account(balance).charged(made.id, 1, NOON))
