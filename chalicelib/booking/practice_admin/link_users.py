"""Which person of the practice a user is: a client is a customer, anyone else may be a member of staff."""

from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Staff
from chalicelib.core.clock import Clock
from chalicelib.core.errors import invalid
from chalicelib.core.unit import Unit
from chalicelib.crm.people import store as people
from chalicelib.identity import store as identity
from chalicelib.identity.events import UserLinked
from chalicelib.identity.user import User


def link_user(unit: Unit, user_id: str, customer_id: str | None, staff_id: str | None, clock: Clock) -> User:
    """Let the user be this person; both None: nobody. Raises NotFound for the user, Invalid for the person."""
    user = identity.get_user(unit.company_id, user_id)
    if customer_id is not None:
        _check_customer(unit.company_id, user, customer_id)
    if staff_id is not None:
        _check_staff(unit.company_id, user, staff_id)
    linked = user.linked(customer_id, staff_id, clock())
    identity.save_user(unit, linked)
    unit.publish(UserLinked(user_id=user.id, customer_id=customer_id, staff_id=staff_id))
    unit.audit("user.linked", user.id, ("customer_id", "staff_id"), customer=customer_id or "", staff=staff_id or "")
    unit.commit(linked)
    return linked


def _check_customer(company_id: str, user: User, customer_id: str) -> None:
    if user.role != "client":
        raise invalid("body.customer_id", "not_a_client", f"A user of role {user.role} is no customer.")
    if people.find(company_id, customer_id) is None:
        raise invalid("body.customer_id", "unknown_customer", f"There is no customer {customer_id}.")


def _check_staff(company_id: str, user: User, staff_id: str) -> None:
    if user.role == "client":
        raise invalid("body.staff_id", "not_staff", "A client is no member of staff.")
    member = practice_store.find(Staff, company_id, staff_id)
    if member is None or member.deleted_at:
        raise invalid("body.staff_id", "unknown_staff", f"There is no member of staff {staff_id}.")
