"""Whom a file is said to belong to, looked up: files themselves know nothing of appointments."""

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.core.errors import Fault, raise_faults
from chalicelib.core.tables import fetch_map
from chalicelib.crm.people import store as people


def check(company_id: str, customer_id: str | None, appointment_id: str | None) -> tuple[str | None, str | None]:
    """Both, the customer taken from the appointment where none is named; one request, none for neither.

    Raises Invalid for what there is not in this company, and for an appointment of somebody else's.
    """
    if customer_id is None and appointment_id is None:
        return None, None
    customer_key = people.key(company_id, customer_id) if customer_id else None
    appointment_key = appointment_store.appointment_key(company_id, appointment_id) if appointment_id else None
    rows = fetch_map([key for key in (customer_key, appointment_key) if key is not None])
    faults = []
    if customer_key is not None and people.person_of(rows[customer_key]) is None:
        faults.append(Fault("body.customer_id", "customer_not_found", f"There is no customer {customer_id}."))
    appointment = appointment_store.appointment_of(rows[appointment_key]) if appointment_key is not None else None
    if appointment_key is not None and appointment is None:
        faults.append(
            Fault("body.appointment_id", "appointment_not_found", f"There is no appointment {appointment_id}.")
        )
    raise_faults(faults)
    return customer_id or (appointment.customer_id if appointment else None), appointment_id
