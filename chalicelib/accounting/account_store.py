"""Accounts, connections and quotas in DynamoDB."""

from datetime import datetime
from typing import Any

import msgspec
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition

from chalicelib.accounting.account import Account
from chalicelib.accounting.connection import RENEWING_SECONDS, Connection
from chalicelib.accounting.quota import Quota
from chalicelib.accounting.tables import AccountRow
from chalicelib.core import directory
from chalicelib.core.clock import epoch
from chalicelib.core.directory import Claim
from chalicelib.core.errors import Conflict, NotFound
from chalicelib.core.tables import Key, collection, encode, fetch_map, fetch_one
from chalicelib.core.unit import Unit

ACCOUNT = "fic_account"
"""Kind of directory key: our id or the legacy number -> company, account. Webhooks come with nothing else."""
FIC_COMPANY = "fic_company"
"""Kind of directory key: FIC's company -> company, account. Its quota is one, so nobody else may connect it."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A connection as it lies in the table, its tokens sealed."""

    connection: Connection
    sealed: str


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """A quota as it was read. `refused_until`: seconds since 1970, 0 for no refusal."""

    quota: Quota = Quota()
    refused_until: int = 0


def accounts(company_id: str, *, deleted: bool = False) -> list[Account]:
    """The accounts of the company, the oldest first, with those disconnected if wanted; one request."""
    mine = collection(AccountRow, _pk(company_id), AccountRow.sk.startswith("account#"))
    found = [row.model(Account) for row in mine]
    return [account for account in found if deleted or account.deleted_at is None]


def get_account(company_id: str, ref: str, *, deleted: bool = False) -> Account:
    """The account of that id or legacy number; one request, two for a number; raises NotFound.

    One that was disconnected is not found either, unless `deleted`.
    """
    account_id = _of_number(company_id, ref) if ref.isdecimal() else ref
    row: AccountRow | None = fetch_one(Key(AccountRow, _pk(company_id), _account_sk(account_id)))
    found = row.model(Account) if row else None
    if found is None or (found.deleted_at and not deleted):
        raise _no_account(ref)
    return found


def whose(ref: str) -> tuple[str, str] | None:
    """Company and id of the account with that id or legacy number, disconnected or not; one request."""
    found = directory.find(ACCOUNT, ref)
    return (found.company_id, found.record) if found else None


def add_account(unit: Unit, account: Account) -> None:
    """Add it, and claim its numbers; the unit fails with Conflict when another company has FIC's or the legacy one."""
    unit.add(_account_row(account))
    _claim(unit, account)


def save_account(unit: Unit, account: Account) -> None:
    """Write a changed account; the unit ends as Stale when someone else was faster."""
    unit.put(_account_row(account), AccountRow.version == account.version - 1)
    if account.deleted_at:
        directory.release(unit, FIC_COMPANY, str(account.fic_company_id))


def bring_back(unit: Unit, account: Account) -> None:
    """Write an account that was connected again, and claim its numbers anew; fails like `add_account`."""
    save_account(unit, account)
    _claim(unit, account)


def add_connection(unit: Unit, connection: Connection, sealed: str) -> None:
    """Add it."""
    unit.add(_connection_row(connection, sealed))


def remove_connection(unit: Unit, connection_id: str) -> None:
    """Destroy it, tokens and all."""
    unit.delete(AccountRow(_pk(unit.company_id), _connection_sk(connection_id)))


def check_connection(unit: Unit, connection: Connection) -> None:
    """Let the unit end as Stale when the connection has had another token since."""
    row = AccountRow(_pk(unit.company_id), _connection_sk(connection.id))
    unit.check(row, AccountRow.version == connection.version)


def find_connection(company_id: str, connection_id: str) -> Held | None:
    """One request."""
    return _held(fetch_one(Key(AccountRow, _pk(company_id), _connection_sk(connection_id))))


def find_connection_and_quota(account: Account) -> tuple[Held | None, Used]:
    """What a call in the account's name needs; one request."""
    pk = _pk(account.company_id)
    connection = Key(AccountRow, pk, _connection_sk(account.connection_id or ""))
    quota = Key(AccountRow, pk, _quota_sk(account.fic_company_id))
    rows = fetch_map([connection, quota])
    return _held(rows[connection]), _used(rows[quota])


def find_quota(company_id: str, fic_company_id: int) -> Used:
    """One request."""
    return _used(fetch_one(Key(AccountRow, _pk(company_id), _quota_sk(fic_company_id))))


def lease_renewal(connection: Connection, lease: str, at: datetime) -> bool:
    """Whether the caller, and nobody else for a minute, is to renew the token it has seen; one conditional update."""
    now = epoch(at)
    free = AccountRow.lease_until.does_not_exist() | (AccountRow.lease_until <= now)
    changes = [AccountRow.lease.set(lease), AccountRow.lease_until.set(now + RENEWING_SECONDS)]
    return _update(connection, changes, (AccountRow.version == connection.version) & free)


def save_renewed(connection: Connection, sealed: str | None) -> bool:
    """Write a connection with its next token (None: the same); False when someone else was faster."""
    changes = [
        AccountRow.data.set(encode(connection)),
        AccountRow.version.set(connection.version),
        AccountRow.lease.remove(),
        AccountRow.lease_until.remove(),
        *([AccountRow.sealed.set(sealed)] if sealed else []),
    ]
    return _update(connection, changes, AccountRow.version == connection.version - 1)


def take(company_id: str, fic_company_id: int, slot: int, calls: int) -> bool:
    """Take calls off the slot; False when it has ended or has too few. No unit: nobody audits a counter."""
    enough = (AccountRow.slot == slot) & (AccountRow.calls_left >= calls)
    changes = [AccountRow.calls_left.set(AccountRow.calls_left - calls)]
    return _try(AccountRow(_pk(company_id), _quota_sk(fic_company_id)), changes, enough)


def begin_slot(company_id: str, fic_company_id: int, quota: Quota, seen: Quota) -> bool:
    """Write a new slot, some of its calls taken already; False when somebody else did anything since `seen`."""
    unchanged = AccountRow.slot.does_not_exist()
    if seen.slot >= 0:
        unchanged = (AccountRow.slot == seen.slot) & (AccountRow.calls_left == seen.left)
    changes = [
        AccountRow.data.set(encode(quota)),
        AccountRow.slot.set(quota.slot),
        AccountRow.calls_left.set(quota.left),
    ]
    return _try(AccountRow(_pk(company_id), _quota_sk(fic_company_id)), changes, unchanged)


def note_refusal(company_id: str, fic_company_id: int, until: int) -> None:
    """Let nobody call before `until` (seconds since 1970), unless a later time is noted already."""
    row = AccountRow(_pk(company_id), _quota_sk(fic_company_id))
    later = AccountRow.refused_until.does_not_exist() | (AccountRow.refused_until < until)
    _try(row, [AccountRow.refused_until.set(until)], later)


def _update(connection: Connection, changes: list[Any], condition: Condition) -> bool:
    return _try(AccountRow(_pk(connection.company_id), _connection_sk(connection.id)), changes, condition)


def _try(row: AccountRow, changes: list[Any], condition: Condition) -> bool:
    try:
        row.update(changes, condition)
    except UpdateError as error:
        if error.cause_response_code == "ConditionalCheckFailedException":
            return False
        raise
    return True


def _of_number(company_id: str, number: str) -> str:
    found = whose(number)
    if found is None or found[0] != company_id:
        raise _no_account(number)
    return found[1]


def _claim(unit: Unit, account: Account) -> None:
    mine = Conflict("legacy_id_taken", "Another account has this legacy_id.")
    for ref in [account.id, *([str(account.legacy_id)] if account.legacy_id is not None else [])]:
        directory.claim(unit, Claim(ACCOUNT, ref, account.id), mine)
    taken = Conflict("fic_company_taken", f"{account.name} is connected by another company here.")
    directory.claim(unit, Claim(FIC_COMPANY, str(account.fic_company_id), account.id), taken)


def _held(row: AccountRow | None) -> Held | None:
    return Held(connection=row.model(Connection), sealed=row.sealed or "") if row else None


def _used(row: AccountRow | None) -> Used:
    if row is None:
        return Used()
    quota = Quota()
    if row.slot is not None:  # a refusal may be noted before any call was counted
        quota = msgspec.structs.replace(row.model(Quota), left=int(row.calls_left or 0))
    return Used(quota=quota, refused_until=int(row.refused_until or 0))


def _pk(company_id: str) -> str:
    return f"{company_id}#fic"


def _account_sk(account_id: str) -> str:
    return f"account#{account_id}"


def _connection_sk(connection_id: str) -> str:
    return f"connection#{connection_id}"


def _quota_sk(fic_company_id: int) -> str:
    return f"quota#{fic_company_id}"


def _account_row(account: Account) -> AccountRow:
    return AccountRow(_pk(account.company_id), _account_sk(account.id), version=account.version, data=encode(account))


def _connection_row(connection: Connection, sealed: str) -> AccountRow:
    return AccountRow(
        _pk(connection.company_id),
        _connection_sk(connection.id),
        version=connection.version,
        sealed=sealed,
        data=encode(connection),
    )


def _no_account(ref: str) -> NotFound:
    return NotFound("fic_account_not_found", f"There is no Fatture in Cloud account {ref}.")
