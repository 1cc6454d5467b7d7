"""Loads the demo practice once: a company, its users, two branches, staff, services, a phone number."""

from dataclasses import dataclass
from typing import Any

from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.core import directory
from chalicelib.core.clock import now
from chalicelib.core.errors import Unauthenticated
from chalicelib.core.unit import Unit
from chalicelib.identity.abilities import Role
from chalicelib.identity.authentication import authenticate
from chalicelib.identity.create_company import NewCompany, Person, add_member, create_company
from chalicelib.identity.password_login import sign_in
from infra.local import demo_text
from infra.local.demo_accounting import connect_accounting
from infra.local.demo_practice import BERLIN_PHONE, demo_practice

COMPANY = "com_000000000000000DEMO1"
PASSWORD = "correct horse battery"
ADMIN = Person("Ada Keller", "ada@demo.example", PASSWORD)
OTHERS: tuple[tuple[Person, Role], ...] = (
    (Person("Ben Okafor", "ben@demo.example", PASSWORD), "practitioner"),
    (Person("Noor Haddad", "noor@demo.example", PASSWORD), "staff"),
    (demo_text.DOCTOR, "practitioner"),
    (demo_text.PATIENT, "client"),
)


@dataclass(frozen=True)
class DemoPractice:
    """What a newcomer needs to try it. `token` is the admin's and may do everything in the demo company."""

    token: str
    company_id: str
    phone_number: str
    admin_email: str
    admin_password: str
    event_types: list[dict[str, Any]]
    patient_email: str
    doctor_email: str
    text_appointment_id: str


def load(token: str = "") -> DemoPractice:
    """Create what is missing and sign the admin in, unless `token` is still good. Safe to do again."""
    practice = demo_practice(COMPANY)
    if directory.find("email", ADMIN.email) is None:
        create_company(NewCompany("Demo Practice", id=COMPANY), ADMIN, now)
    for person, role in OTHERS:
        if directory.find("email", person.email) is None:
            add_member(COMPANY, person, role, now)
    if directory.find("phone", BERLIN_PHONE) is None:
        save_practice(lambda: Unit(COMPANY), practice.branches, practice.services, practice.staff)
    connect_accounting(COMPANY)
    text_appointment_id = demo_text.load(COMPANY, practice, now)
    return DemoPractice(
        token if token and _good(token) else _sign_in(),
        COMPANY,
        BERLIN_PHONE,
        ADMIN.email,
        ADMIN.password,
        [*practice.event_types],
        demo_text.PATIENT.email,
        demo_text.DOCTOR.email,
        text_appointment_id,
    )


def _good(token: str) -> bool:
    try:
        authenticate(token, now)
    except Unauthenticated:
        return False
    return True


def _sign_in() -> str:
    try:
        return sign_in(ADMIN.email, ADMIN.password, "127.0.0.1", now).issued.secret
    except Unauthenticated:
        raise RuntimeError(f"{ADMIN.email} has another password now; `make reset` begins anew.") from None
