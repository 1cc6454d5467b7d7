"""What the rules say of moving an appointment: the terms of rescheduling, and those of the new time."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.changes.reschedule import reschedule
from chalicelib.booking.practice.policy import Limits, Policy, Rescheduling
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.booking.rules import reschedule_rules, rules
from chalicelib.booking.rules.reschedule_rules import Move
from chalicelib.core import audit
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, Caller, call
from tests.booking.test_refusing import MONDAY, NOW, TEN, booked, clock, codes, new_unit, no_provider, opened, refused
from tests.calls.conftest import next_monday
from tests.conftest import EmbeddedAws

AT = Appointment(
    id="apt_00000000000000000001",
    company_id="com_test",
    branch_id="bra_1",
    service_id="svc_1",
    staff_id="stf_1",
    customer_id="cus_1",
    starts_at=NOW + timedelta(hours=5),
    ends_at=NOW + timedelta(hours=6),
    status="confirmed",
    source="api",
    moves=2,
    created_at=NOW,
    updated_at=NOW,
)


@pytest.mark.parametrize(
    ("agreed", "by", "failed"),
    [
        (Rescheduling(), "customer", []),
        (Rescheduling(most=3), "customer", []),
        (Rescheduling(most=2), "user:usr_1", ["reschedule_limit"]),
        (Rescheduling(notice_min=300), "customer", []),
        (Rescheduling(notice_min=301), "customer", ["reschedule_notice"]),
        (Rescheduling(by=("staff",)), "user:usr_1", []),
        (Rescheduling(by=("staff",)), "customer", ["reschedule_not_allowed"]),
        (Rescheduling(by=("customer",)), "token:tok_1", ["reschedule_not_allowed"]),
        (
            Rescheduling(most=0, notice_min=1440, by=()),
            "customer",
            ["reschedule_not_allowed", "reschedule_limit", "reschedule_notice"],
        ),
    ],
)
def test_the_terms_of_rescheduling(agreed: Rescheduling, by: str, failed: list[str]) -> None:
    found = reschedule_rules.terms(AT, Policy(rescheduling=agreed), by, NOW)
    assert [one.code for one in found] == failed
    assert all(one["message"] for one in rules.described(found))
    assert reschedule_rules.terms(AT, Policy(rescheduling=agreed, off=("rescheduling",)), by, NOW) == []


def moved(appointment: Appointment, at: Any, **fields: Any) -> Appointment:
    return reschedule(
        ChangeContext(new_unit, "com_test", clock, connect=no_provider), appointment.id, Move(starts_at=at, **fields)
    )


def test_all_failures_come_together_and_named_ones_may_be_overridden(aws: EmbeddedAws) -> None:
    terms = Rescheduling(most=0, notice_min=14_400, by=("staff",))
    practice = opened(service={"policy": Policy(rescheduling=terms, maximum_advance_days=7)})
    made = booked(practice)
    late = MONDAY + timedelta(days=30, hours=3)
    refusal = refused(lambda: moved(made, late, by="customer"))
    assert codes(refusal) == [
        *("reschedule_not_allowed", "reschedule_limit", "reschedule_notice"),
        *("too_far_ahead", "closed", "not_working"),
    ]
    assert refusal.extra["alternatives"] == []
    # Leaving one out is not enough.
    named: Any = ("rescheduling", "maximum_advance", "business_hours")
    assert codes(refused(lambda: moved(made, late, override=named))) == ["not_working"]
    after = moved(made, late, override=(*named, "staff_availability"))
    assert (after.starts_at, after.moves) == (late, 1)
    entries = audit.entries("com_test", made.id, limit=10, cursor=None).data
    overridden = next(entry for entry in entries if entry.action == "appointment.rules_overridden")
    assert overridden.ids == {"overridden": "rescheduling,maximum_advance,business_hours,staff_availability"}


def test_the_new_time_keeps_to_the_ordinary_rules_and_alternatives_are_offered(aws: EmbeddedAws) -> None:
    made = booked(opened())
    closed = refused(lambda: moved(made, MONDAY + timedelta(hours=4)))
    assert codes(closed) == ["closed", "not_working"]
    assert len(closed.extra["alternatives"]) == 3
    # NOW is a Friday, 7:00 in New York; the shop is open, but two hours ahead is the least.
    assert "too_soon" in codes(refused(lambda: moved(made, NOW + timedelta(hours=1))))


def test_a_full_day_refuses_unless_it_counts_there_already(aws: EmbeddedAws) -> None:
    practice = opened(service={"policy": Policy(customer_limits=Limits(per_day=1))})
    made, _ = booked(practice), booked(practice, at=TEN + timedelta(days=1))
    assert moved(made, TEN + timedelta(hours=1)).moves == 1
    refusal = refused(lambda: moved(made, TEN + timedelta(days=1, hours=2)))
    assert codes(refusal) == ["limit_reached"]
    assert moved(made, TEN + timedelta(days=1, hours=2), override=("limits",)).moves == 2


def test_the_endpoint_asks_for_the_ability_and_tells_all_failures(practice: Practice) -> None:
    terms = Policy(rescheduling=Rescheduling(most=0))
    berlin = replace(practice.branches[0], policy=terms)
    save_practice(lambda: Unit("com_test"), (berlin, practice.branches[1]), practice.services, practice.staff)
    wish = {
        "branch_id": berlin.id, "service": "Consultation", "starts_at": next_monday(10).isoformat(),
        "customer": {"phone": "+4915112345678"},
    }  # fmt: skip
    made = call("POST", "/api/appointments", caller=Caller("com_test"), body=wish).json["id"]

    def move(abilities: str, **fields: Any) -> Answer:
        body = {"starts_at": next_monday(3).isoformat()} | fields
        return call("POST", f"/api/appointments/{made}/reschedule", caller=Caller("com_test", abilities), body=body)

    refused = move("*")
    assert (refused.status, refused.json["code"], refused.json["alternatives"]) == (409, "not_bookable", [])
    told = [(one["rule"], one["code"]) for one in refused.json["failures"]]
    assert told == [
        ("rescheduling", "reschedule_limit"), ("business_hours", "closed"), ("staff_availability", "not_working"),
    ]  # fmt: skip
    assert move("appointments:write", override=["rescheduling"]).status == 403
    assert move("*", override=["everything"]).json["errors"][0]["path"] == "body.override[0]"
    over = move("*", override=["rescheduling"], starts_at=next_monday(15).isoformat())
    assert (over.status, over.json["moves"]) == (200, 1)
