"""Companies, users, credentials and tokens in DynamoDB."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from chalicelib.core import directory
from chalicelib.core.clock import epoch, stamp
from chalicelib.core.directory import Claim
from chalicelib.core.errors import Conflict, NotFound
from chalicelib.core.pages import Listing, Page, page
from chalicelib.core.tables import Key, collection, encode, fetch_map, fetch_one
from chalicelib.core.unit import Unit
from chalicelib.identity import token as tokens
from chalicelib.identity.abilities import covers
from chalicelib.identity.account import Account, Credential
from chalicelib.identity.company import Company
from chalicelib.identity.tables import IdentityRow
from chalicelib.identity.token import Grant, Token
from chalicelib.identity.user import User

LOGIN = "email"
COMPANIES = "companies"
"""Under this, all companies stand in `by_company`; no id of a company looks like it."""
BY_COMPANY = Listing(IdentityRow, "by_company", "company_id", "created_at")


@dataclass(frozen=True)
class Login:
    """Whose e-mail it is."""

    company_id: str
    user_id: str


def find_login(email: str) -> Login | None:
    """Who signs in with this address (lower case); one request."""
    found = directory.find(LOGIN, email)
    return Login(found.company_id, found.record) if found else None


def claim_login(unit: Unit, user: User) -> None:
    """Let the user's e-mail be theirs among all companies; the unit fails with Conflict when it is another's."""
    taken = Conflict("email_taken", "Somebody signs in with this e-mail address already.")
    directory.claim(unit, Claim(LOGIN, user.email, user.id), taken)


def add_company(unit: Unit, company: Company) -> None:
    """Add it."""
    created_at = f"{stamp(company.created_at)}#{company.id}"
    unit.add(IdentityRow(company.id, "company", company_id=COMPANIES, created_at=created_at, data=encode(company)))


def companies() -> Iterator[Company]:
    """Every company, the oldest first; for operators and schedules."""
    for row in IdentityRow.query(COMPANIES, index_name="by_company"):
        yield row.model(Company)


def find_company(company_id: str) -> Company | None:
    """One request."""
    found: IdentityRow | None = fetch_one(_company_key(company_id))
    return found.model(Company) if found else None


def user_key(company_id: str, user_id: str) -> Key:
    """The address of a user, for a fetch together with other records."""
    return Key(IdentityRow, _pk(company_id, user_id), "user")


def user_of(row: IdentityRow | None) -> User | None:
    """The user in a fetched row."""
    return row.model(User) if row is not None else None


def get_user(company_id: str, user_id: str) -> User:
    """One request; raises NotFound, also for a user of another company."""
    found = find_user(company_id, user_id)
    if found is None:
        raise _no_user(user_id)
    return found


def find_user(company_id: str, user_id: str) -> User | None:
    """One request."""
    return user_of(fetch_one(user_key(company_id, user_id)))


def get_user_and_company(company_id: str, user_id: str) -> tuple[User, Company]:
    """One request; raises NotFound."""
    at, company_at = user_key(company_id, user_id), _company_key(company_id)
    rows = fetch_map([at, company_at])
    user, company = user_of(rows[at]), rows[company_at]
    if user is None or company is None:
        raise _no_user(user_id)
    return user, company.model(Company)


def page_users(company_id: str, limit: int, cursor: str | None) -> Page[User]:
    """The oldest first."""
    return page(BY_COMPANY, company_id, limit=limit, cursor=cursor).map(lambda row: row.model(User))


def admins(company_id: str) -> Iterator[User]:
    """Every admin who signs in, the oldest first; reads all users of the company."""
    for row in IdentityRow.query(company_id, index_name="by_company"):
        user = row.model(User)
        if user.role == "admin" and user.status == "active":
            yield user


def addresses(company_id: str, ability: str, most: int) -> list[str]:
    """The e-mails of active users whose role has the ability, the oldest users first; one Query."""
    found: list[str] = []
    for row in IdentityRow.query(company_id, index_name="by_company", page_size=100):
        user = row.model(User)
        if user.status == "active" and covers(user.abilities, [ability]):
            found.append(user.email)
        if len(found) == most:
            break
    return found


def find_account(company_id: str, user_id: str) -> Account | None:
    """The user, the credential and the tokens; one request."""
    rows = {row.sk: row for row in collection(IdentityRow, _pk(company_id, user_id))}
    if "user" not in rows:
        return None
    return Account(
        user=rows["user"].model(User),
        credential=rows["credential"].model(Credential),
        tokens=tuple(row.model(Token) for sk, row in rows.items() if sk.startswith("token#")),
    )


def get_account(company_id: str, user_id: str) -> Account:
    """One request; raises NotFound, also for a user of another company."""
    found = find_account(company_id, user_id)
    if found is None:
        raise _no_user(user_id)
    return found


def add_user(unit: Unit, user: User, credential: Credential) -> None:
    """Add a user, and claim the e-mail."""
    claim_login(unit, user)
    unit.add(_user_row(user))
    unit.add(_credential_row(user, credential))


def save_user(unit: Unit, user: User) -> None:
    """Write a changed user; the unit ends as Stale when someone else was faster."""
    unit.put(_user_row(user), IdentityRow.version == user.version - 1)


def save_credential(unit: Unit, user: User, credential: Credential) -> None:
    """Write a changed credential; the unit ends as Stale when a password or a token was made meanwhile."""
    unit.put(_credential_row(user, credential), IdentityRow.version == credential.version - 1)


def add_token(unit: Unit, token: Token) -> None:
    """Add it, for its user's list and for the authorizer."""
    ends = epoch(token.expires_at)
    unit.add(
        IdentityRow(_pk(token.company_id, token.user_id), _token_sk(token.id), data=encode(token), expires_at=ends)
    )
    grant = Grant(user_id=token.user_id, abilities=token.abilities, name=token.name)
    twice = Conflict("token_exists", "This token exists already.")  # 2 ** -256
    directory.claim(unit, Claim(tokens.KIND, token.digest, token.id, msgspec.to_builtins(grant), ends), twice)


def remove_token(unit: Unit, token: Token) -> None:
    """From now on it opens nothing."""
    unit.delete(IdentityRow(_pk(token.company_id, token.user_id), _token_sk(token.id)))
    directory.release(unit, tokens.KIND, token.digest)


def find_token(company_id: str, user_id: str, token_id: str) -> Token | None:
    """One request."""
    found = IdentityRow.find(_pk(company_id, user_id), _token_sk(token_id))
    return found.model(Token) if found else None


def last_uses(of: Sequence[Token]) -> dict[str, int | None]:
    """When each was last used, to the hour, in seconds since 1970, by the token's id; one request for all."""
    keys = {token.id: directory.key(tokens.KIND, token.digest) for token in of}
    rows = fetch_map(keys.values())
    entries = {token_id: directory.entry(rows[key]) for token_id, key in keys.items()}
    return {token_id: entry.last_used_at if entry else None for token_id, entry in entries.items()}


def _pk(company_id: str, user_id: str) -> str:
    return f"{company_id}#{user_id}"


def _token_sk(token_id: str) -> str:
    return f"token#{token_id}"


def _company_key(company_id: str) -> Key:
    return Key(IdentityRow, company_id, "company")


def _user_row(user: User) -> IdentityRow:
    return IdentityRow(
        _pk(user.company_id, user.id),
        "user",
        company_id=user.company_id,
        created_at=f"{stamp(user.created_at)}#{user.id}",
        version=user.version,
        data=encode(user),
    )


def _credential_row(user: User, credential: Credential) -> IdentityRow:
    return IdentityRow(_pk(user.company_id, user.id), "credential", version=credential.version, data=encode(credential))


def _no_user(user_id: str) -> NotFound:
    return NotFound("user_not_found", f"There is no user {user_id}.")
