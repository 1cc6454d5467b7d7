"""Giving records that were stored by an older version the keys that this one finds them by; safe to repeat."""

from collections.abc import Iterator

import msgspec

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.directory import claim_keys
from chalicelib.booking.practice.models import PUBLIC_BRANCH, Branch
from chalicelib.core import directory
from chalicelib.core.errors import Stale
from chalicelib.core.unit import UnitFactory

PAGE = 100


class Reindexed(msgspec.Struct, frozen=True, kw_only=True):
    """How many lacked a key so far: branches that visitors' requests did not find, appointments nobody completed."""

    branches: int = 0
    appointments: int = 0


def reindex(new_unit: UnitFactory, company_id: str) -> Iterator[Reindexed]:
    """Go over a company's branches and appointments; yields what was put right so far. What is right is not written.

    Whatever is changed meanwhile gets its keys by that. Raises Conflict when another company has a key.
    """
    done = Reindexed()
    for branch in practice_store.all_of(Branch, company_id):
        if not branch.deleted_at and directory.find(PUBLIC_BRANCH, branch.id) is None:
            unit = new_unit()
            claim_keys(unit, practice_store.get_schedule(company_id, branch.id))
            unit.audit("branch.reindexed", branch.id)
            unit.commit()
            done = msgspec.structs.replace(done, branches=done.branches + 1)
    yield done
    cursor: str | None = None
    while True:
        page = appointment_store.page_without_ending(company_id, limit=PAGE, cursor=cursor)
        for appointment in page.data:
            unit = new_unit()
            appointment_store.rewrite_keys(unit, appointment)
            try:
                unit.commit()
            except Stale:  # saved meanwhile, with its keys
                continue
            done = msgspec.structs.replace(done, appointments=done.appointments + 1)
        yield done
        cursor = page.next_cursor
        if cursor is None:
            return
