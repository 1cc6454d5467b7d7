"""What is to be done for every connected account again and again."""

from collections.abc import Callable

from chalicelib.accounting import account_store
from chalicelib.accounting.account import Account
from chalicelib.accounting.record import RESOURCES
from chalicelib.accounting.record_jobs import CheckSubscriptions, StartSync
from chalicelib.accounting.run import Kind
from chalicelib.core.clock import Clock
from chalicelib.core.events import Job
from chalicelib.core.unit import MOST_ACTIONS, Unit
from chalicelib.identity.store import companies


def read_changes(clock: Clock) -> None:
    """A run of changes of every resource, in a job per account; stalled and failed runs go on."""
    _each(clock, lambda account: _start(account, "changes"))


def read_everything(clock: Clock) -> None:
    """A full run of every resource, in a job per account."""
    _each(clock, lambda account: _start(account, "full"))


def check_subscriptions(clock: Clock) -> None:
    """A job per account."""
    _each(clock, lambda account: CheckSubscriptions(company_id=account.company_id, account_id=account.id))


def _start(account: Account, kind: Kind) -> Job:
    return StartSync(company_id=account.company_id, account_id=account.id, resources=RESOURCES, kind=kind)


def _each(clock: Clock, job: Callable[[Account], Job]) -> None:
    for company in companies():
        jobs = [job(account) for account in account_store.accounts(company.id) if account.usable]
        for start in range(0, len(jobs), MOST_ACTIONS):
            unit = Unit(company.id, clock=clock)
            for each in jobs[start : start + MOST_ACTIONS]:
                unit.enqueue(each)
            unit.commit()
