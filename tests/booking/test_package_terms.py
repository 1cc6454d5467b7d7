"""The terms of a practice hold for packages: deposits, fees for cancelling, and what may be moved when and by whom."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.packages.change import Change, answer, cancel
from chalicelib.booking.packages.reschedule import reschedule
from chalicelib.booking.practice.models import Part
from chalicelib.booking.practice.policy import Cancellation, Policy, Rescheduling
from chalicelib.booking.rules.reschedule_rules import Move
from chalicelib.core import audit
from chalicelib.core.errors import Conflict
from chalicelib.crm.contact_points.contact import Contact
from infra.local.invoking import Answer, Caller, call
from tests.booking.spa import TEN, clock, new_unit, open_spa, packaged
from tests.conftest import EmbeddedAws
from tests.functions.test_package_endpoints import at, book

ME = Caller("com_test")
CLERK = Caller("com_test", "appointments:read appointments:write")


def changing() -> ChangeContext[Any]:
    return ChangeContext(new_unit, "com_test", clock)


def package_id(first: Any) -> str:
    return str(first.package.id)


def history(appointment_id: str) -> list[dict[str, Any]]:
    return [entry.ids for entry in audit.entries("com_test", appointment_id, limit=50, cursor=None).data]


def change(place: str, what: str, caller: Caller = ME, **body: Any) -> Answer:
    return call("POST", f"{place}/{what}", caller=caller, body=body)


def test_a_visitors_package_waits_for_its_deposit(aws: EmbeddedAws) -> None:
    practice = open_spa(package={"policy": Policy(deposit_minor=5000)})
    refused = book(practice, at(10))
    assert [one["code"] for one in refused.json["failures"]] == ["deposit_required"]
    paid = book(practice, at(10), deposit_minor=5000).json
    assert (paid["status"], paid["deposit_due_minor"], paid["deposit_minor"]) == ("confirmed", 5000, 5000)
    assert history(paid["id"])[0]["deposit"] == "5000 EUR"
    waits = book(practice, at(13), "/public/appointments")
    assert (waits.status, waits.json["status"], waits.json["deposit_due_minor"]) == (201, "requested", 5000), waits
    place = f"/api/packages/{waits.json['package']['id']}"
    unpaid = change(place, "confirm")
    assert (unpaid.status, unpaid.json["code"], unpaid.json["amount_minor"]) == (409, "deposit_required", 5000)
    assert unpaid.json["current"]["id"] == waits.json["package"]["id"]
    assert change(place, "confirm", deposit_minor=4999).json["code"] == "deposit_required"
    assert change(place, "confirm", CLERK, without_deposit=True).status == 403
    done = change(place, "confirm", CLERK, deposit_minor=5000).json
    assert {part["status"] for part in done["parts"]} == {"confirmed"}
    figures = [(part["deposit_due_minor"], part["deposit_minor"], part["currency"]) for part in done["parts"]]
    assert figures == [(5000, 5000, "EUR"), (0, 0, None)]


def test_staff_confirm_without_it(aws: EmbeddedAws) -> None:
    practice = open_spa(package={"policy": Policy(deposit_minor=5000)})
    first = packaged(practice, visitor=True, source="web")
    done = answer(changing(), package_id(first), "confirmed", Change(without_deposit=True))
    assert done.status == "confirmed"
    assert any(one.get("overridden") == "deposit" for one in history(first.id))
    assert not any("overridden" in one for one in history(first.parts[1].id))


def test_cancelling_a_package_costs_what_its_service_says_once(aws: EmbeddedAws) -> None:
    agreed = Policy(cancellation=Cancellation(notice_min=525_600, fee_percent=50))
    practice = open_spa(package={"policy": agreed, "price_minor": 9900})
    made, waived = (book(practice, at(hour)).json for hour in (10, 13))
    place = f"/api/packages/{made['package']['id']}"
    shown = call("GET", f"{place}/cancellation", caller=ME)
    assert (shown.status, shown.json["fee_minor"], shown.json["currency"]) == (200, 4950, "EUR")
    alone = call("GET", f"/api/appointments/{made['id']}/cancellation", caller=ME)
    assert (alone.status, alone.json["code"]) == (409, "part_of_package")
    assert [part["fee_minor"] for part in change(place, "cancel").json["parts"]] == [4950, 0]
    assert history(made["id"])[-1]["fee"] == "4950 EUR"
    place = f"/api/packages/{waived['package']['id']}"
    assert change(place, "cancel", CLERK, waive_fee=True).status == 403
    assert [part["fee_minor"] for part in change(place, "cancel", waive_fee=True).json["parts"]] == [0, 0]
    assert history(waived["id"])[-1]["fee_waived"] == "4950 EUR"


def test_a_request_is_given_up_for_nothing(aws: EmbeddedAws) -> None:
    agreed = Cancellation(notice_min=525_600, fee_minor=2000)
    practice = open_spa(package={"policy": Policy(cancellation=agreed, needs_approval=True)})
    done = cancel(changing(), package_id(packaged(practice)), Change())
    assert [part.fee_minor for part in done.parts] == [0, 0]


def moved(first: Any, to: Any, **fields: Any) -> Any:
    return reschedule(changing(), package_id(first), Move(starts_at=to, **fields))


def failures(first: Any, to: Any, **fields: Any) -> list[str]:
    with pytest.raises(Conflict) as raised:
        moved(first, to, **fields)
    assert raised.value.code == "not_bookable"
    return [one["code"] for one in raised.value.extra["failures"]]


def test_the_terms_of_rescheduling_come_with_the_rules_of_the_new_time(aws: EmbeddedAws) -> None:
    terms = Rescheduling(most=1, notice_min=14_400, by=("staff",))
    practice = open_spa(package={"policy": Policy(rescheduling=terms, maximum_advance_days=7)})
    first, far = packaged(practice), TEN + timedelta(days=14)
    both = failures(first, far, by="customer")
    assert both == ["reschedule_not_allowed", "reschedule_notice", "too_far_ahead"]
    assert failures(first, far, override=("rescheduling",)) == ["too_far_ahead"]
    assert failures(first, far + timedelta(hours=9), override=("rescheduling", "maximum_advance"))[0] == "closed"
    done = moved(first, far, override=("rescheduling", "maximum_advance"))
    assert [part.moves for part in done.parts] == [1, 1]
    assert any(one.get("overridden") == "rescheduling,maximum_advance" for one in history(first.id))
    assert failures(first, TEN) == ["reschedule_limit"]  # ten days of notice are left by now
    late = TEN + timedelta(hours=6, minutes=15)  # 16:15, staff go at 17:00
    assert failures(first, late, override=("rescheduling",)) == ["parts_do_not_fit"]
    over = moved(first, late, override=("rescheduling", "staff_availability"))
    assert over.parts[1].starts_at == late + timedelta(minutes=45)
    assert any(one.get("overridden") == "rescheduling,staff_availability" for one in history(first.id))


def test_what_keeps_its_time_is_judged_by_limits_alone(aws: EmbeddedAws) -> None:
    policy = Policy(rescheduling=Rescheduling(by=()), minimum_notice_min=525_600, maximum_advance_days=730)
    practice = open_spa(package={"policy": policy})
    first = packaged(practice, override=("minimum_notice",))
    given = moved(first, TEN, staff="Dan Rossi")
    assert given.parts[0].staff_id == practice.staff[3].id


def test_overriding_and_moving_through_the_endpoint(aws: EmbeddedAws) -> None:
    practice = open_spa(package={"policy": Policy(rescheduling=Rescheduling(by=("customer",)))})
    place = f"/api/packages/{book(practice, at(10)).json['package']['id']}"
    refused = change(place, "reschedule", starts_at=at(12))
    assert [one["code"] for one in refused.json["failures"]] == ["reschedule_not_allowed"]
    assert change(place, "reschedule", CLERK, starts_at=at(12), override=["rescheduling"]).status == 403
    assert change(place, "reschedule", starts_at=at(12), override=["rescheduling"]).status == 200


def test_a_refused_package_names_a_time_in_another_branch_too(aws: EmbeddedAws) -> None:
    made = open_spa()
    both = (made.services[0].id, made.services[1].id)
    parts = (Part(both[0]), Part(both[1], gap_min=30))
    practice = open_spa(package={"parts": parts}, staff={0: {"service_ids": both}, 2: {"service_ids": both}})
    packaged(practice, staff="Chloe Park", contact=Contact(name="Tom", phone="+12125550198"))
    with pytest.raises(Conflict) as raised:
        packaged(practice, staff="Chloe Park")
    offered = raised.value.extra["alternatives"]
    assert [one["branch_id"] for one in offered] == [practice.branches[1].id] * 3 + [practice.branches[0].id]
    later = datetime.fromisoformat(offered[-1]["starts_at"])
    first = packaged(practice, later, branch_id=practice.branches[0].id)
    assert [part.branch_id for part in first.parts] == [practice.branches[0].id] * 2
    with pytest.raises(Conflict) as raised:
        moved(packaged(practice, TEN + timedelta(hours=4), staff="Chloe Park"), TEN)
    assert {one["branch_id"] for one in raised.value.extra["alternatives"]} == {practice.branches[1].id}
