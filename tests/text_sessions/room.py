"""A patient, a doctor and a text appointment of an hour, with a subscription that pays, in a company of their own."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.core.ids import new_id
from chalicelib.core.jobs import JobContext
from chalicelib.core.unit import Actor, Unit
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.identity import store as identity
from chalicelib.identity.abilities import Role
from chalicelib.identity.account import Credential
from chalicelib.identity.user import User
from chalicelib.text_sessions import activity, deduction, manage_subscription, plans, start_session, store, tick_job
from chalicelib.text_sessions.jobs import Tick
from chalicelib.text_sessions.meter import Meter
from chalicelib.text_sessions.plan import Terms
from chalicelib.text_sessions.plans import PlanDetails
from chalicelib.text_sessions.session import ChatUser, Session, Side
from chalicelib.text_sessions.subscription import Subscription
from chalicelib.text_sessions.update_meter import Settled
from infra.local.demo_people import add_person
from infra.local.invoking import Caller

COMPANY = "com_test"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass
class Room:
    """Who meets, and what time it is for them. `at` is in force until somebody moves it."""

    patient: User
    doctor: User
    appointment: Appointment
    subscription: Subscription
    at: datetime = NOON
    ids: dict[Side, str] = field(default_factory=dict)

    def clock(self) -> datetime:
        """The present, as it is in this room."""
        return self.at

    def after(self, minutes: float = 0, seconds: float = 0) -> None:
        """Move the clock to so long after noon, when the session starts."""
        self.at = NOON + timedelta(minutes=minutes, seconds=seconds)

    def unit(self) -> Unit:
        """Somebody's unit of work."""
        return Unit(COMPANY, Actor("user", self.patient.id), clock=self.clock)

    def start(self, side: Side = "patient") -> Meter:
        """Start the session."""
        return start_session.start(self.unit, ChatUser(COMPANY, self.user(side).id, self.appointment.id), self.clock)

    def active(self, side: Side = "patient") -> Session:
        """Somebody is active."""
        return activity.update(self.unit, ChatUser(COMPANY, self.user(side).id, self.appointment.id), side, self.clock)

    def deduct(self, requested: int = 1, side: Side = "patient") -> Settled:
        """A browser asks for a deduction."""
        return deduction.deduct(
            self.unit, ChatUser(COMPANY, self.user(side).id, self.appointment.id), requested, self.clock
        )

    def end(self, side: Side = "patient") -> Settled:
        """Somebody ends it."""
        return deduction.end(self.unit, ChatUser(COMPANY, self.user(side).id, self.appointment.id), 0, self.clock)

    def tick(self, interval: int | None = None) -> None:
        """A tick arrives, of the interval that runs if no other is named; raises Postpone."""
        session = self.session()
        job = Tick(
            company_id=COMPANY,
            appointment_id=session.appointment_id,
            session_id=session.id,
            subscription_id=session.subscription_id,
            interval=interval or session.interval,
        )
        tick_job.tick(job, JobContext("job", 1, False, "cor", COMPANY, self.clock))

    def sweep(self) -> int:
        """The sweep runs."""
        return tick_job.sweep(self.at, self.clock)

    def user(self, side: Side) -> User:
        """Who is on that side."""
        return self.patient if side == "patient" else self.doctor

    def caller(self, side: Side = "patient") -> Caller:
        """The same, asking the API."""
        user = self.user(side)
        return Caller(COMPANY, " ".join(sorted(user.abilities)), user.id)

    def session(self) -> Session:
        """The appointment's session as it is stored."""
        return store.get_meter(COMPANY, self.appointment.id, self.subscription.id).session

    def left(self) -> int:
        """What the subscription has left, which the ledger must confirm to the unit."""
        subscription = store.get_account(COMPANY, self.subscription.id).subscription
        entries = store.ledger(COMPANY, self.subscription.id)
        assert sum(entry.amount for entry in entries) == subscription.sessions_remaining
        assert [entry.number for entry in entries] == list(range(1, subscription.entries + 1))
        assert all(entry.balance_after >= 0 for entry in entries)
        return subscription.sessions_remaining


def furnish(sessions: int = 3, *, starts_at: datetime = NOON, number: int = 0, **terms: Any) -> Room:
    """Make one. `number` tells several apart; `terms` are the plan's."""
    unit = Unit(COMPANY)
    customer = add_person(unit, Contact(name="Eve Stone", phone=f"+4915112345{number:03}"), "api", NOON)
    patient = _user(unit, f"eve{number}", "client", customer_id=customer.id)
    doctor = _user(unit, f"ada{number}", "practitioner", staff_id=f"stf_{number}")
    unit.commit()
    known: dict[str, Any] = {"sessions": sessions, "period": "once", "zone": "UTC"}
    sold = plans.create(Unit(COMPANY), PlanDetails("Some", Terms(**(known | terms))), lambda: starts_at)
    subscription = manage_subscription.subscribe(
        Unit(COMPANY), customer.id, sold.id, renews=True, clock=lambda: starts_at
    )
    appointment = text_appointment(customer.id, f"stf_{number}", starts_at)
    return Room(patient, doctor, appointment, subscription, at=starts_at)


def text_appointment(customer_id: str, staff_id: str | None, starts_at: datetime, **fields: Any) -> Appointment:
    """An hour of text, booked already."""
    known: dict[str, Any] = {
        "id": new_id("apt"),
        "company_id": COMPANY,
        "branch_id": "bra_1",
        "service_id": "svc_1",
        "staff_id": staff_id,
        "customer_id": customer_id,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(hours=1),
        "channel": "text",
        "status": "confirmed",
        "source": "api",
        "created_at": starts_at,
        "updated_at": starts_at,
    }
    made = Appointment(**(known | fields))
    unit = Unit(made.company_id)
    appointment_store.add_appointment(unit, made)
    unit.commit()
    return made


def _user(unit: Unit, name: str, role: Role, **person: Any) -> User:
    user = User(
        id=new_id("usr"),
        company_id=COMPANY,
        name=name,
        email=f"{name}@example.com",
        role=role,
        status="active",
        created_at=NOON,
        updated_at=NOON,
        **person,
    )
    identity.add_user(unit, user, Credential())
    return user
