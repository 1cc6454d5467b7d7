"""Creating a company with its first admin, by the command line or the demo."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.core.clock import Clock
from chalicelib.core.errors import invalid
from chalicelib.core.ids import new_id
from chalicelib.core.people import clean_email, clean_name
from chalicelib.core.unit import Unit
from chalicelib.identity import passwords, store
from chalicelib.identity.abilities import Role
from chalicelib.identity.account import Credential
from chalicelib.identity.company import Company
from chalicelib.identity.events import CompanyOpened, UserJoined
from chalicelib.identity.user import User


@dataclass(frozen=True)
class NewCompany:
    """`language` as in ISO 639-1, `country` as in ISO 3166 alpha-2; `id`: where it must be a certain one."""

    name: str
    language: str = "en"
    country: str = "DE"
    id: str | None = None


@dataclass(frozen=True)
class Person:
    """Someone who is to sign in."""

    name: str
    email: str
    password: str


def create_company(new: NewCompany, admin: Person, clock: Clock) -> tuple[Company, User]:
    """The company and its admin, stored.

    Raises Invalid for a bad name, e-mail, password or country, Conflict when the e-mail is somebody's login.
    """
    _check_codes(new.language, new.country)
    at = clock()
    company = Company(
        id=new.id or new_id("com"),
        name=clean_name(new.name, "name"),
        language=new.language.lower(),
        country=new.country.upper(),
        created_at=at,
    )
    unit = Unit(company.id, clock=clock)
    store.add_company(unit, company)
    user = _add(unit, admin, "admin", at)
    unit.publish(CompanyOpened(user_id=user.id))
    unit.audit("company.opened", company.id, ("name", "language", "country"), user_id=user.id)
    unit.commit()
    return company, user


def add_member(company_id: str, person: Person, role: Role, clock: Clock) -> User:
    """Someone of the company who may sign in at once, without an invitation by mail.

    Raises Invalid for a bad name, e-mail or password, Conflict when the e-mail is somebody's login.
    """
    unit = Unit(company_id, clock=clock)
    user = _add(unit, person, role, clock())
    unit.audit("user.added", user.id, ("name", "email", "role"))
    unit.commit()
    return user


def _add(unit: Unit, person: Person, role: Role, at: datetime) -> User:
    user = User(
        id=new_id("usr"),
        company_id=unit.company_id,
        name=clean_name(person.name, f"{role}.name"),
        email=clean_email(person.email, f"{role}.email"),
        role=role,
        status="active",
        created_at=at,
        updated_at=at,
    )
    passwords.check_new(person.password, user.email, f"{role}.password")
    store.add_user(unit, user, Credential().with_password(passwords.hash_of(person.password)))
    unit.publish(UserJoined(user_id=user.id))
    return user


def _check_codes(language: str, country: str) -> None:
    for path, code in (("language", language), ("country", country)):
        if len(code) != 2 or not (code.isascii() and code.isalpha()):
            raise invalid(path, f"bad_{path}", f"{code!r} is not a {path} code of two letters.")
