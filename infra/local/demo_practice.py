"""The demo practice: two branches in different time zones, four services, four members of staff."""

from dataclasses import dataclass
from typing import Any

from chalicelib.booking.practice.hours import Window
from chalicelib.booking.practice.models import SERVICE, STAFF, Branch, Service, Staff
from chalicelib.booking.practice.phone import CallRouting
from chalicelib.core.references import Reference

BERLIN_PHONE = "+493055501000"
NEW_YORK_PHONE = "+12125550100"
STAFF_PHONE = "+4915155501001"
AGENT = "sip:agent@voice.example"
WORKDAYS = range(5)


@dataclass(frozen=True)
class Practice:
    """What `opening.save_practice` takes, and the event types that Cal.com would have for it."""

    branches: tuple[Branch, ...]
    services: tuple[Service, ...]
    staff: tuple[Staff, ...]
    event_types: tuple[dict[str, Any], ...]


def demo_practice(company_id: str, *, suffix: str = "", calcom: bool = True, shift: int = 0) -> Practice:
    """The practice for a company. `suffix` and `shift` keep ids, numbers and event types of several companies apart."""
    ids = {name: f"{prefix}_{_twenty(name + suffix)}" for name, prefix in _NAMES.items()}
    branches = (
        Branch(
            id=ids["berlin"], company_id=company_id, name="Berlin Mitte", zone="Europe/Berlin", hours=_open(8, 20),
            phone=_phone(BERLIN_PHONE, shift), books_through="calcom" if calcom else "none", country="DE",
            call_routing=CallRouting(
                agent=AGENT, staff_numbers=(_phone(STAFF_PHONE, shift),), ring_staff="open_hours",
                transfer_to=_phone("+493055501999", shift),
            ),
        ),
        Branch(
            id=ids["new_york"], company_id=company_id, name="New York Chelsea", zone="America/New_York",
            hours=_open(9, 18), phone=_phone(NEW_YORK_PHONE, shift), books_through="none", country="US",
        ),
    )  # fmt: skip
    services = (
        Service(
            id=ids["consultation"], company_id=company_id, number=1, name="Consultation", duration_min=30,
            references=_event_types({ids["ada"]: 101 + shift, ids["ben"]: 102 + shift}),
        ),
        Service(
            id=ids["massage"], company_id=company_id, number=2, name="Massage", duration_min=60, buffer_before_min=5,
            buffer_after_min=10, references=_event_types({ids["ada"]: 103 + shift}),
        ),
        Service(id=ids["haircut"], company_id=company_id, number=3, name="Haircut", duration_min=45),
        Service(
            id=ids["text"], company_id=company_id, number=4, name="Text consultation", duration_min=60, channel="text"
        ),
    )  # fmt: skip
    berlin, new_york = ids["berlin"], ids["new_york"]
    staff = (
        _member(ids["ada"], company_id, "Ada Keller", berlin, ids["consultation"], ids["massage"], calcom=7 + shift),
        _member(ids["ben"], company_id, "Ben Okafor", berlin, ids["consultation"], calcom=8 + shift),
        _member(ids["chloe"], company_id, "Chloe Park", new_york, ids["haircut"], ids["consultation"], ids["text"]),
        _member(ids["dan"], company_id, "Dan Rossi", new_york, ids["haircut"]),
    )
    event_types = (
        {"id": 101 + shift, "slug": "consultation-ada", "lengthInMinutes": 30, "hosts": [7 + shift]},
        {"id": 102 + shift, "slug": "consultation-ben", "lengthInMinutes": 30, "hosts": [8 + shift]},
        {"id": 103 + shift, "slug": "massage-ada", "lengthInMinutes": 60, "hosts": [7 + shift]},
    )
    return Practice(branches, services, staff, event_types)


_NAMES = {
    "berlin": "bra", "new_york": "bra", "consultation": "svc", "massage": "svc", "haircut": "svc", "text": "svc",
    "ada": "stf", "ben": "stf", "chloe": "stf", "dan": "stf",
}  # fmt: skip


def _twenty(name: str) -> str:
    # Ids that look like all others and are the same at every start; letters that Crockford leaves out are replaced.
    text = name.upper().translate(str.maketrans("ILOU_", "1100X"))
    return text.rjust(20, "0")[-20:]


def _phone(number: str, shift: int) -> str:
    return f"{number[:-4]}{int(number[-4:]) + shift:04}"


def _open(first_hour: int, last_hour: int) -> tuple[Window, ...]:
    return tuple(Window(day, first_hour * 60, last_hour * 60) for day in WORKDAYS)


def _event_types(by_staff: dict[str, int]) -> tuple[Reference, ...]:
    return tuple(Reference("calcom", SERVICE, str(number), whose) for whose, number in by_staff.items())


def _member(
    staff_id: str, company_id: str, name: str, branch_id: str, *services: str, calcom: int | None = None
) -> Staff:
    return Staff(
        id=staff_id, company_id=company_id, name=name, home_branch_id=branch_id, hours={branch_id: _open(9, 17)},
        service_ids=services, references=(Reference("calcom", STAFF, str(calcom)),) if calcom else (),
    )  # fmt: skip
