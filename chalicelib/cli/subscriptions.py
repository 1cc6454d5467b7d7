"""`pilot subscriptions`: grant sessions, correct a balance, read a ledger."""

from collections.abc import Callable

import click
import msgspec

from chalicelib.cli.output import Failed, finish, note, print_json, print_table
from chalicelib.cli.stage import Stage, as_one, on_stage
from chalicelib.core.clock import now
from chalicelib.core.errors import DomainError, NotFound
from chalicelib.core.unit import Actor, Unit, UnitFactory
from chalicelib.identity.store import companies
from chalicelib.text_sessions import manage_subscription, store
from chalicelib.text_sessions.manage_subscription import Correction
from chalicelib.text_sessions.subscription import Subscription

OPERATOR = Actor("system", "pilot-cli")
COLUMNS = {
    "number": "No.",
    "at": "At",
    "amount": "Amount",
    "reason": "Reason",
    "balance": "Balance",
    "session": "Session",
    "interval": "Interval",
    "note": "Note",
}
of_company = click.option("--company", help="Whose it is; found by itself when not given.")
reasoned = click.option("--reason", required=True, help="Why; it stands in the ledger.")
once = click.option("--key", help="Do this once: the same key again changes nothing.")


class Why(msgspec.Struct, frozen=True):
    """What the options of a correction say of it."""

    reason: str
    key: str | None


@click.group()
def subscriptions() -> None:
    """Patients' subscriptions and their balances."""


@subscriptions.command()
@click.argument("subscription")
@click.argument("sessions", type=click.IntRange(1, 10_000))
@reasoned
@once
@of_company
@on_stage
@as_one("why", Why)
def grant(stage: Stage, subscription: str, sessions: int, why: Why, company: str | None) -> None:
    """Grant SESSIONS more on SUBSCRIPTION, for its current period."""
    stage.connect()
    new_unit = _units(subscription, company)
    _done(
        stage, lambda: manage_subscription.grant(new_unit, subscription, Correction(sessions, why.reason, why.key), now)
    )


@subscriptions.command(context_settings={"ignore_unknown_options": True})
@click.argument("subscription")
@click.argument("amount", type=click.IntRange(-10_000, 10_000))
@reasoned
@once
@of_company
@on_stage
@as_one("why", Why)
def adjust(stage: Stage, subscription: str, amount: int, why: Why, company: str | None) -> None:
    """Correct the balance of SUBSCRIPTION by AMOUNT, such as 2 or -1."""
    stage.connect()
    new_unit = _units(subscription, company)
    _done(
        stage, lambda: manage_subscription.adjust(new_unit, subscription, Correction(amount, why.reason, why.key), now)
    )


@subscriptions.command()
@click.argument("subscription")
@of_company
@on_stage
def ledger(stage: Stage, subscription: str, company: str | None) -> None:
    """Every movement of SUBSCRIPTION's balance. Exit code 1 when they do not add up to it."""
    stage.connect()
    company_id = _company_of(subscription, company)
    found = store.get_account(company_id, subscription).subscription
    entries = store.ledger(company_id, subscription)
    rows = [
        {
            "number": entry.number,
            "at": entry.at.isoformat(timespec="seconds"),
            "amount": entry.amount,
            "reason": entry.reason,
            "balance": entry.balance_after,
            "session": entry.session_id,
            "interval": entry.interval,
            "note": entry.note,
        }
        for entry in entries
    ]
    total = sum(entry.amount for entry in entries)
    print_table(rows, COLUMNS, as_json=stage.as_json)
    if not stage.as_json:
        note(f"{len(entries)} entries make {total}; the balance is {found.sessions_remaining} ({found.status}).")
    finish(total == found.sessions_remaining)


def _done(stage: Stage, work: Callable[[], Subscription]) -> None:
    try:
        found = work()
    except DomainError as error:
        raise Failed(error.detail) from None
    if stage.as_json:
        print_json({"id": found.id, "remaining": found.sessions_remaining, "total": found.sessions_total})
    else:
        note(f"{found.id} has {found.sessions_remaining} sessions left.", style="green")


def _units(subscription_id: str, company: str | None) -> UnitFactory:
    company_id = _company_of(subscription_id, company)
    return lambda: Unit(company_id, OPERATOR, clock=now)


def _company_of(subscription_id: str, company: str | None) -> str:
    for company_id in [company] if company else (found.id for found in companies()):
        try:
            return store.get_account(company_id, subscription_id).subscription.company_id
        except NotFound:
            continue
    raise Failed(f"There is no subscription {subscription_id}.")
