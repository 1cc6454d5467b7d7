"""Inviting somebody into a company, and taking the invitation up."""

from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, Forbidden
from chalicelib.core.ids import new_id
from chalicelib.core.people import clean_email, clean_name
from chalicelib.core.unit import Actor, CompanyUnitFactory, Unit
from chalicelib.identity import links, passwords, store
from chalicelib.identity.abilities import OF_ROLE, Role, covers
from chalicelib.identity.account import Credential
from chalicelib.identity.events import UserInvited, UserJoined
from chalicelib.identity.user import User


def invite(unit: Unit, email: str, name: str, role: Role, clock: Clock) -> User:
    """Add an invited user and let them be mailed; an invitation not yet taken up is changed and mailed again.

    Raises Forbidden when the role may do more than the acting token, Conflict when the e-mail is somebody's login.
    """
    if not covers(unit.actor.abilities, OF_ROLE[role]):
        raise Forbidden("abilities_not_held", f"Your token may not do all that the role {role} may.")
    address, called = clean_email(email, "body.email"), clean_name(name, "body.name")
    invited = _invited(unit.company_id, address)
    user = _renewed(unit, invited, called, role, clock) if invited else _added(unit, address, called, role, clock)
    unit.publish(UserInvited(user_id=user.id))
    unit.audit("user.invited", user.id, ("name", "email", "role"))
    unit.commit(user)
    return user


def _invited(company_id: str, email: str) -> User | None:
    login = store.find_login(email)
    if login is None:
        return None
    if login.company_id == company_id:
        user = store.get_account(company_id, login.user_id).user
        if user.status == "invited":
            return user
    raise Conflict("email_taken", "Somebody signs in with this e-mail address already.")


def _renewed(unit: Unit, invited: User, name: str, role: Role, clock: Clock) -> User:
    user = invited.invited_again(name, role, clock())
    store.save_user(unit, user)
    return user


def _added(unit: Unit, email: str, name: str, role: Role, clock: Clock) -> User:
    at = clock()
    user = User(
        id=new_id("usr"),
        company_id=unit.company_id,
        name=name,
        email=email,
        role=role,
        status="invited",
        created_at=at,
        updated_at=at,
    )
    store.add_user(unit, user, Credential())
    return user


def accept_invitation(new_unit: CompanyUnitFactory, secret: str, password: str, name: str | None, clock: Clock) -> User:
    """Make the invited user an active one with this password. `new_unit` makes a unit of the company it is given.

    Raises NotFound for a link unknown or expired, Conflict for one used, Invalid for a bad password or name.
    """
    link = links.open_link(secret, "invitation", clock)
    unit = new_unit(link.company_id)
    account = link.account()
    # Who holds the secret is the user, from here on.
    unit.actor = Actor("user", account.user.id)
    passwords.check_new(password, account.user.email, "body.password")
    user = account.user.joined(clean_name(name, "body.name") if name is not None else None, clock())
    store.save_user(unit, user)
    store.save_credential(unit, user, account.credential.with_password(passwords.hash_of(password)))
    unit.publish(UserJoined(user_id=user.id))
    unit.audit("user.joined", user.id, ("name", "password"))
    unit.commit(user)
    return user
