"""Renewing tokens: one of any number of workers does it, and a refusal asks a person to connect again."""

import msgspec

from chalicelib.accounting import account_store
from chalicelib.accounting.account_store import Held
from chalicelib.accounting.connection import Connection, Tokens
from chalicelib.accounting.events import CredentialsRefused
from chalicelib.core import vault
from chalicelib.core.clock import Clock
from chalicelib.core.errors import DomainError, RateLimited, Stale, VendorRefused
from chalicelib.core.ids import new_id
from chalicelib.core.logging import log
from chalicelib.core.retry import until_committed
from chalicelib.core.tables import encode
from chalicelib.core.unit import UnitFactory
from chalicelib.vendors.fattureincloud import oauth

MEANWHILE_SECONDS = 3
"""How long to leave a job while another worker renews; a renewal takes well under a second."""


def tokens_of(held: Held) -> Tokens:
    """What lies sealed in it."""
    connection = held.connection
    return msgspec.json.decode(vault.unseal(connection.company_id, connection.id, held.sealed), type=Tokens)


def seal(connection: Connection, tokens: Tokens) -> str:
    """As the table may hold it."""
    return vault.seal(connection.company_id, connection.id, encode(tokens))


def current(held: Held, new_unit: UnitFactory, clock: Clock) -> Held:
    """The connection with a token that holds: as it is, or renewed by us or by another.

    Raises RateLimited while another renews a token that has ended, VendorRefused `fic_grant_refused` when FIC gives no
    other (the accounts need a person from then on), and what `oauth.renew` raises when the old token has ended.
    """
    at = clock()
    if not held.connection.due(at):
        return held
    if account_store.lease_renewal(held.connection, new_id("lea"), at):
        return _renewed(held, new_unit, clock)
    seen = account_store.find_connection(held.connection.company_id, held.connection.id) or held
    if seen.connection.open(at):
        return seen
    detail = "Another worker renews the token of Fatture in Cloud just now."
    raise RateLimited("fic_token_renewing", detail, retry_after=MEANWHILE_SECONDS)


def not_taken(held: Held, refusal: VendorRefused, new_unit: UnitFactory, clock: Clock) -> DomainError:
    """What a 401 means: to come back where the token was renewed meanwhile or can be, otherwise `refusal` itself."""
    again = RateLimited("fic_token_renewed", "The token of Fatture in Cloud has to be renewed.", retry_after=1)
    seen = account_store.find_connection(held.connection.company_id, held.connection.id)
    if seen is None or seen.connection.version != held.connection.version:
        return again
    if tokens_of(held).refresh_token and not held.connection.fresh(clock()):
        account_store.save_renewed(held.connection.ended(clock()), None)
        return again
    give_up(held.connection, new_unit, clock)
    return refusal


def give_up(connection: Connection, new_unit: UnitFactory, clock: Clock) -> None:
    """Mark every account of the connection as needing a person, and say so once.

    Nothing happens where the connection has had another token since: that one may be taken.
    """

    def attempt() -> bool:
        unit = new_unit()
        mine = [a for a in account_store.accounts(unit.company_id) if a.usable and a.connection_id == connection.id]
        if not mine:
            return False
        for account in mine:
            account_store.save_account(unit, account.refused(clock()))
            unit.audit("fic_account.refused", account.id, ("status",))
        account_store.check_connection(unit, connection)
        unit.publish(CredentialsRefused(connection_id=connection.id, account_ids=tuple(a.id for a in mine)))
        try:
            unit.commit()
        except Stale:
            seen = account_store.find_connection(unit.company_id, connection.id)
            if seen is None or seen.connection.version != connection.version:
                return False
            raise
        return True

    if until_committed(attempt, "fic_account_changing", "The account is being changed; try again."):
        log.warning("credentials refused", extra={"vendor": "fic", "connection_id": connection.id})


def _renewed(held: Held, new_unit: UnitFactory, clock: Clock) -> Held:
    refresh_token = tokens_of(held).refresh_token
    try:
        if refresh_token is None:
            raise VendorRefused(oauth.GRANT_REFUSED, "There is nothing to renew this token with.")
        granted = oauth.renew(refresh_token)
    except DomainError as error:
        if error.code == oauth.GRANT_REFUSED:
            give_up(held.connection, new_unit, clock)
            raise
        # The lease stays until it lapses, so that nobody tries again within a minute.
        log.warning("token not renewed", extra={"vendor": "fic", "why": error.code})
        if held.connection.open(clock()):
            return held
        raise
    renewed = held.connection.renewed(clock(), granted.expires_in)
    # A server that keeps the refresh token may leave it out of its answer.
    tokens = Tokens(access_token=granted.access_token, refresh_token=granted.refresh_token or refresh_token)
    sealed = seal(renewed, tokens)
    if account_store.save_renewed(renewed, sealed):
        return Held(connection=renewed, sealed=sealed)
    return account_store.find_connection(renewed.company_id, renewed.id) or held
