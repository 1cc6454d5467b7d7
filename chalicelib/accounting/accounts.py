"""Accounts of Fatture in Cloud: connecting them by OAuth 2 or with a token made by hand, and giving them up."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec

from chalicelib.accounting import account_store, renew_token
from chalicelib.accounting.account import Account, ConnectedBy, Kind
from chalicelib.accounting.connection import Connection, Tokens
from chalicelib.accounting.events import AccountConnected, AccountDisconnected
from chalicelib.core import directory
from chalicelib.core.clock import Clock, epoch
from chalicelib.core.directory import Claim
from chalicelib.core.errors import Conflict, Fault, Forbidden, NotFound, Stale, VendorRefused, invalid
from chalicelib.core.ids import new_id
from chalicelib.core.retry import until_committed
from chalicelib.core.settings import settings
from chalicelib.core.unit import CompanyUnitFactory, Unit, UnitFactory
from chalicelib.vendors.fattureincloud import oauth
from chalicelib.vendors.fattureincloud.client import UNAUTHORIZED, FattureInCloud, FicCompany

STATE = "fic_state"
"""Kind of directory key: the hash of a state -> company, and the user who is connecting."""
STATE_LIFETIME = timedelta(minutes=10)
CALLBACK = "/api/fic/accounts/callback"
MOST_AT_ONCE = 12
"""Accounts connected in one transaction: each takes at most seven of its actions."""


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """Where to send the person who connects an account, and until when."""

    url: str
    expires_at: datetime


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """With what the person comes back from FIC: a code, or an error."""

    state: str
    code: str | None = None
    error: str | None = None


class HandMadeToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token that a user made at FIC, and which company it is for, where it opens several.

    `legacy_id`: the number that an older system gave the account.
    """

    token: str
    user_id: str
    fic_company_id: int | None = None
    legacy_id: int | None = None


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens, how they came about, and which user brought them. `legacy_id` as in HandMadeToken."""

    tokens: Tokens
    kind: Kind
    user_id: str
    expires_at: datetime | None = None
    legacy_id: int | None = None


def invite(unit: Unit, user_id: str, clock: Clock) -> Invitation:
    """Where this user allows us in; the state in the URL is theirs, works once and for ten minutes."""
    state = secrets.token_urlsafe(32)
    expires_at = clock() + STATE_LIFETIME
    url = oauth.authorize_url(_redirect_uri(), state)
    directory.claim(unit, Claim(STATE, _digest(state), user_id, expires_at=epoch(expires_at)), Stale())
    unit.audit("fic_account.invited", user_id)
    unit.commit()
    return Invitation(url=url, expires_at=expires_at)


def arrive(arrival: Arrival, new_unit: CompanyUnitFactory, clock: Clock) -> list[Account]:
    """Connect every company that the person allowed us into; `new_unit` takes the company whose user that is.

    Raises NotFound `unknown_state`, Forbidden `fic_access_denied` when the person said no, VendorRefused
    `fic_grant_refused` for a code that FIC does not know, Conflict `fic_company_taken` or `fic_no_company`.
    """
    found = directory.find(STATE, _digest(arrival.state))
    if found is None or (found.expires_at or 0) <= epoch(clock()):
        raise _unknown_state()
    unit = new_unit(found.company_id)
    directory.spend(unit, STATE, _digest(arrival.state), _unknown_state())
    unit.commit()
    if arrival.error or not arrival.code:
        raise Forbidden("fic_access_denied", "Fatture in Cloud was not allowed to let us in.")
    at = clock()
    granted = oauth.exchange(arrival.code, _redirect_uri())
    tokens = Tokens(access_token=granted.access_token, refresh_token=granted.refresh_token)
    expires_at = at + timedelta(seconds=granted.expires_in)
    credentials = Credentials(tokens=tokens, kind="oauth", expires_at=expires_at, user_id=found.record)
    return attach(lambda: new_unit(found.company_id), _companies(tokens), credentials, clock)


def connect_with_token(new_unit: UnitFactory, made: HandMadeToken, clock: Clock) -> Account:
    """Connect the company that a token made by hand opens; which one has to be said where it opens several.

    Raises Invalid naming `body.token` or `body.company`, Conflict `fic_company_taken` or `legacy_id_taken`.
    """
    tokens = Tokens(access_token=made.token)
    try:
        companies = _companies(tokens)
    except VendorRefused as error:
        if error.code in (UNAUTHORIZED, "fic_credentials"):
            raise invalid("body.token", "fic_unauthorized", "Fatture in Cloud does not accept this token.") from None
        raise
    if made.fic_company_id is None and len(companies) > 1:
        several = ", ".join(f"{one.id} ({one.name})" for one in companies)
        raise invalid("body.company", "required", f"This token opens several companies: {several}.")
    chosen = [one for one in companies if made.fic_company_id in (None, one.id)]
    if not chosen:
        raise invalid("body.company", "fic_company_unknown", "This token does not open that company.")
    credentials = Credentials(tokens=tokens, kind="token", user_id=made.user_id, legacy_id=made.legacy_id)
    return attach(new_unit, chosen, credentials, clock)[0]


def attach(
    new_unit: UnitFactory, companies: Sequence[FicCompany], credentials: Credentials, clock: Clock
) -> list[Account]:
    """Keep the tokens and the companies that they open; those known already come back as they were, records and all.

    One connection for all: tokens that change with each renewal cannot be kept twice. Raises Conflict
    `fic_company_taken` or `legacy_id_taken`.
    """
    connection = Connection(
        id=new_id("fcn"),
        company_id=new_unit().company_id,
        kind=credentials.kind,
        obtained_at=clock(),
        expires_at=credentials.expires_at,
    )
    sealed: str | None = renew_token.seal(connection, credentials.tokens)
    done: list[Account] = []
    for start in range(0, len(companies), MOST_AT_ONCE):
        some = companies[start : start + MOST_AT_ONCE]
        done += _connect_some(new_unit, some, connection, sealed, credentials)
        sealed = None
    return done


def disconnect(new_unit: UnitFactory, ref: str, clock: Clock) -> Account:
    """Give the account up: its credentials are destroyed, its records stay; raises NotFound."""

    def attempt() -> Account:
        unit = new_unit()
        account = account_store.get_account(unit.company_id, ref)
        others = [a for a in account_store.accounts(unit.company_id) if a.id != account.id]
        gone = account.disconnected(clock())
        account_store.save_account(unit, gone)
        _remove_unused(unit, {account.connection_id}, others)
        unit.publish(AccountDisconnected(account_id=account.id))
        unit.audit("fic_account.disconnected", account.id, ("status", "connection_id"))
        unit.commit(gone)
        return gone

    return until_committed(attempt)


def _companies(tokens: Tokens) -> Sequence[FicCompany]:
    client = FattureInCloud(tokens.access_token)
    try:
        found = client.companies()
    finally:
        client.close()
    if not found:
        raise Conflict("fic_no_company", "This opens no company at Fatture in Cloud.")
    return found


def _connect_some(
    new_unit: UnitFactory,
    companies: Sequence[FicCompany],
    connection: Connection,
    sealed: str | None,
    credentials: Credentials,
) -> list[Account]:
    by = ConnectedBy(connection.id, connection.kind, credentials.user_id)

    def attempt() -> list[Account]:
        unit = new_unit()
        known = account_store.accounts(unit.company_id, deleted=True)
        if sealed:
            account_store.add_connection(unit, connection, sealed)
        now = [_stage(unit, company, known, by, credentials.legacy_id) for company in companies]
        changed = {account.id for account in now}
        _remove_unused(
            unit,
            {account.connection_id for account in known if account.id in changed},
            [account for account in known if account.id not in changed],
        )
        unit.commit(now[0])
        return now

    return until_committed(attempt)


def _stage(
    unit: Unit, company: FicCompany, known: Sequence[Account], by: ConnectedBy, legacy_id: int | None
) -> Account:
    at = unit.clock()
    old = next((account for account in known if account.fic_company_id == company.id), None)
    name = company.name or str(company.id)
    if old:
        account = old.reconnected(name, by, at, legacy_id)
        account_store.bring_back(unit, account)
    else:
        account = Account(
            id=new_id("fic"),
            company_id=unit.company_id,
            fic_company_id=company.id,
            name=name,
            kind=by.kind,
            status="connected",
            connection_id=by.connection_id,
            connected_by=by.user_id,
            connected_at=at,
            created_at=at,
            updated_at=at,
            legacy_id=legacy_id,
        )
        account_store.add_account(unit, account)
    unit.publish(AccountConnected(account_id=account.id))
    unit.audit("fic_account.connected", account.id, ("status", "connection_id"))
    return account


def _remove_unused(unit: Unit, connections: set[str | None], others: Sequence[Account]) -> None:
    """Destroy the credentials that no other account goes on using."""
    for connection_id in connections - {account.connection_id for account in others}:
        if connection_id:
            account_store.remove_connection(unit, connection_id)


def _redirect_uri() -> str:
    """FIC compares it letter by letter with what its application is registered with."""
    return settings().public_url.rstrip("/") + CALLBACK


def _digest(state: str) -> str:
    return sha256(state.encode()).hexdigest()


def _unknown_state() -> NotFound:
    message = "This way back from Fatture in Cloud is unknown, was used already or has expired: connect again."
    return NotFound("unknown_state", message, faults=(Fault("query.state", "unknown_state", message),))
