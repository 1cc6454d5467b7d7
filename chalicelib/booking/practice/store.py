"""The practice in DynamoDB: its records, and the schedule of each branch that is compiled from them."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from chalicelib.booking.practice.models import Branch, Resource, Service, Staff
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.tables import BookingRow
from chalicelib.core.errors import Conflict, DomainError, NotFound
from chalicelib.core.pages import Listing, Page, Selection, page
from chalicelib.core.tables import Key, collection, encode, fetch_map, fetch_one
from chalicelib.core.unit import Unit

Record = Branch | Service | Staff | Resource
R = TypeVar("R", Branch, Service, Staff, Resource)
KINDS: dict[type[Any], str] = {Branch: "branch", Service: "service", Staff: "staff", Resource: "resource"}
NOT_FOUND: dict[type[Any], str] = {
    Branch: "branch_not_found",
    Service: "service_not_found",
    Staff: "staff_not_found",
    Resource: "resource_not_found",
}
LARGEST_SCHEDULE = 350_000
"""Bytes; DynamoDB takes items of 400 KB."""
RECORDS = Listing(BookingRow, None, "pk", "sk")


def schedule_key(company_id: str, branch_id: str) -> Key:
    """The address of a branch's schedule, for a fetch together with other records."""
    return Key(BookingRow, f"{company_id}#{branch_id}", "schedule")


def schedule_of(row: Any, branch_id: str, *, published: bool = False) -> Schedule:
    """The schedule in a fetched row; raises NotFound when there is no such branch, or no longer, in the company.

    `published`: for a visitor, to whom a branch that is not published is none.
    """
    found: Schedule | None = row.model(Schedule) if row is not None else None
    if found is None or found.branch.deleted_at or (published and not found.branch.published):
        raise NotFound("branch_not_found", f"There is no branch {branch_id}.")
    return found


def get_schedule(company_id: str, branch_id: str, *, published: bool = False) -> Schedule:
    """One request; raises NotFound, as `schedule_of`."""
    return schedule_of(fetch_one(schedule_key(company_id, branch_id)), branch_id, published=published)


def schedules(company_id: str, branch_ids: Sequence[str]) -> dict[str, Schedule]:
    """Those there are, by branch id, deleted ones included; one request for up to 100."""
    keys = {branch_id: schedule_key(company_id, branch_id) for branch_id in branch_ids}
    rows = fetch_map(keys.values())
    return {branch_id: rows[key].model(Schedule) for branch_id, key in keys.items() if rows[key] is not None}


def save_schedule(unit: Unit, schedule: Schedule) -> None:
    """Write the next version of a branch's schedule; the unit ends as Stale when another one came first."""
    data = encode(schedule)
    if len(data) > LARGEST_SCHEDULE:
        raise Conflict(
            "branch_too_large", f"{schedule.branch.name} has more staff and services than one branch can hold."
        )
    key = schedule_key(unit.company_id, schedule.branch.id)
    row = BookingRow(key.pk, key.sk, data=data, version=schedule.version)
    if schedule.version == 1:
        unit.add(row)
    else:
        unit.put(row, BookingRow.version == schedule.version - 1)


def overwrite(unit: Unit, records: Iterable[Record], new_schedules: Iterable[Schedule]) -> None:
    """Write records and schedules whatever was there: for setting up a practice as a whole."""
    for record in records:
        unit.put(_row(record))
    for schedule in new_schedules:
        key = schedule_key(unit.company_id, schedule.branch.id)
        unit.put(BookingRow(key.pk, key.sk, data=encode(schedule), version=schedule.version))


def record_key(kind: type[Record], company_id: str, record_id: str) -> Key:
    """The address of a branch, service, member of staff or resource."""
    return Key(BookingRow, f"{company_id}#practice", f"{KINDS[kind]}#{record_id}")


def find(kind: type[R], company_id: str, record_id: str) -> R | None:
    """One request; deleted ones too."""
    row = fetch_one(record_key(kind, company_id, record_id))
    return row.model(kind) if row is not None else None


def get(kind: type[R], company_id: str, record_id: str) -> R:
    """One request; raises NotFound (`branch_not_found`, `service_not_found` …), also for what was deleted."""
    found = find(kind, company_id, record_id)
    if found is None or found.deleted_at:
        raise NotFound(NOT_FOUND[kind], f"There is no {KINDS[kind]} {record_id}.")
    return found


def save(unit: Unit, record: Record, stale: DomainError | None = None) -> None:
    """Add version 1, or write the next version; ends as `stale` (Stale unless given) when another one came first."""
    if record.version == 1:
        unit.add(_row(record))
    else:
        unit.put(_row(record), BookingRow.version == record.version - 1, stale)


def all_of(kind: type[R], company_id: str) -> list[R]:
    """Every record of a kind, deleted ones too, in order of their ids; one Query."""
    return [row.model(kind) for row in collection(BookingRow, f"{company_id}#practice", _of_kind(kind))]


def page_of(kind: type[R], company_id: str, *, limit: int, cursor: str | None, deleted: bool = False) -> Page[R]:
    """A page of a kind, oldest first; those that were deleted only when asked for."""
    only = BookingRow.status == "deleted" if deleted else BookingRow.status.does_not_exist()
    selection = Selection(between=_of_kind(kind), only=only)
    found = page(RECORDS, f"{company_id}#practice", limit=limit, cursor=cursor, selection=selection)
    return found.map(lambda row: row.model(kind))


def claim_number(unit: Unit, number: int) -> None:
    """Take a service's small number within the company; the unit ends as Stale when another service has it."""
    unit.add(BookingRow(f"{unit.company_id}#practice", f"number#{number:05}"))


def practice(company_id: str) -> tuple[list[Branch], list[Service], list[Staff]]:
    """Everything the company offers now."""
    return (
        [branch for branch in all_of(Branch, company_id) if not branch.deleted_at],
        [service for service in all_of(Service, company_id) if not service.deleted_at],
        [member for member in all_of(Staff, company_id) if not member.deleted_at],
    )


def _of_kind(kind: type[Record]) -> Any:
    return BookingRow.sk.startswith(f"{KINDS[kind]}#")


def _row(record: Record) -> BookingRow:
    key = record_key(type(record), record.company_id, record.id)
    status = "deleted" if record.deleted_at else None
    return BookingRow(key.pk, key.sk, data=encode(record), version=record.version, status=status)
