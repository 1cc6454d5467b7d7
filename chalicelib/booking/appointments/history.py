"""Writing what happened to the time of an appointment: the record, the events, and what its history says."""

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.events import AppointmentMoved, AppointmentReassigned
from chalicelib.core.clock import stamp
from chalicelib.core.unit import Unit


def moved_ids(old: Appointment, new: Appointment) -> dict[str, str]:
    """What the history of an appointment says of a change: times and ids, nothing about people."""
    ids: dict[str, str] = {}
    if new.starts_at != old.starts_at:
        ids |= {"starts_from": stamp(old.starts_at), "starts_to": stamp(new.starts_at)}
    if new.staff_id != old.staff_id:
        ids |= {"staff_from": old.staff_id or "", "staff_to": new.staff_id or ""}
    if new.status != old.status:
        ids |= {"status_from": old.status, "status_to": new.status}
    return ids


def stage_moved(unit: Unit, old: Appointment, new: Appointment) -> None:
    """Stage that it takes place then, and with whom; the unit ends as Stale when `old` is no longer the newest."""
    appointment_store.save_appointment(unit, new)
    if new.starts_at != old.starts_at:
        unit.publish(
            AppointmentMoved(appointment_id=new.id, starts_at=new.starts_at, version=new.version, was_at=old.starts_at)
        )
    if new.staff_id != old.staff_id:
        unit.publish(AppointmentReassigned(appointment_id=new.id, staff_id=str(new.staff_id), version=new.version))
    unit.audit("appointment.moved", new.id, ("starts_at", "ends_at", "staff_id"), **moved_ids(old, new))
