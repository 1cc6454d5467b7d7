"""Calling Fatture in Cloud in an account's name: within its quota, with a token that holds."""

from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.accounting import account_store, renew_token
from chalicelib.accounting.account import Account
from chalicelib.accounting.account_store import Used
from chalicelib.core.clock import Clock, epoch
from chalicelib.core.errors import Conflict, RateLimited, VendorRefused
from chalicelib.core.switches import require_vendor
from chalicelib.core.unit import UnitFactory
from chalicelib.vendors.fattureincloud.client import UNAUTHORIZED, VENDOR, FattureInCloud

TRIES = 10
"""Others may begin slots, or take the last calls of one, as often while we read."""
REFUSED = "fic_rate_limited"


@contextmanager
def leased_client(
    company_id: str, account: Account | str, new_unit: UnitFactory, clock: Clock, calls: int = 1
) -> Iterator[FattureInCloud]:
    """A client for `calls` calls, which are taken off what FIC grants the account's company, made or not.

    Costs one read and one conditional update, and a read more where `account` is only its id or legacy number.
    Raises RateLimited when there are no calls left, which a job leaves to the queue; SwitchedOff before any is leased;
    NotFound for an unknown account; Conflict `fic_not_connected` for one that nobody's credentials open, VendorRefused
    when they turn out not to.
    """
    require_vendor(VENDOR.code, VENDOR.title)
    if isinstance(account, str):
        account = account_store.get_account(company_id, account)
    held, used = account_store.find_connection_and_quota(account)
    if held is None or not account.usable:
        raise Conflict("fic_not_connected", f"Connect {account.name} at Fatture in Cloud again.")
    held = renew_token.current(held, new_unit, clock)
    _lease(account, used, calls, clock)
    client = FattureInCloud(renew_token.tokens_of(held).access_token)
    try:
        yield client
    except RateLimited as wait:
        if wait.code == REFUSED:
            until = epoch(clock()) + wait.retry_after
            account_store.note_refusal(account.company_id, account.fic_company_id, until)
        raise
    except VendorRefused as error:
        meaning = renew_token.not_taken(held, error, new_unit, clock) if error.code == UNAUTHORIZED else error
        if meaning is error:
            raise
        raise meaning from error
    finally:
        client.close()


def calls_left(account: Account, clock: Clock) -> int:
    """How many calls could be made at once; 0 where FIC itself has asked to wait. One request."""
    used = account_store.find_quota(account.company_id, account.fic_company_id)
    return 0 if used.refused_until > epoch(clock()) else used.quota.at(clock()).left


def _lease(account: Account, used: Used, calls: int, clock: Clock) -> None:
    """Take the calls off the quota, in one conditional update; raises RateLimited.

    Workers meet only where a slot begins: one of them begins it, the others read again.
    """
    of = (account.company_id, account.fic_company_id)
    for _ in range(TRIES):
        at = clock()
        wait = max(used.refused_until - epoch(at), used.quota.wait(calls, at))
        if wait > 0:
            detail = f"Fatture in Cloud takes no more calls for {account.name} for {wait} s."
            raise RateLimited("fic_quota", detail, retry_after=wait)
        quota = used.quota.at(at)
        if quota.slot == used.quota.slot:
            done = account_store.take(*of, quota.slot, calls)
        else:
            done = account_store.begin_slot(*of, quota.taken(calls), used.quota)
        if done:
            return
        used = account_store.find_quota(*of)
    raise RateLimited("fic_quota", "Many workers call Fatture in Cloud at once.", retry_after=1)
