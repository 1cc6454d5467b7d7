"""Compiled schedules: what is kept is used while the schedule has the version it was made from, and no longer."""

import zlib
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from chalicelib.booking.availability import search_index_store
from chalicelib.booking.availability.search_index import SearchIndex, compile_search
from chalicelib.booking.availability.search_index_store import IN_MEMORY, IN_TABLE, read_index
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.practice.store import schedule_key
from chalicelib.booking.practice_admin import manage
from chalicelib.booking.tables import BookingRow
from chalicelib.core.clock import epoch, now
from chalicelib.core.tables import fetch
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice


def row(practice: Practice) -> BookingRow:
    found: BookingRow = fetch([schedule_key("com_test", practice.branches[1].id)])[0]
    return found


def requests_of(practice: Practice, at: datetime | None = None) -> int:
    return read_index("com_test", practice.branches[1].id, at or now()).version


def change(practice: Practice, version: int) -> None:
    branch = replace(practice.branches[1], name=f"Version {version}", version=version)
    manage.save(lambda: Unit("com_test"), branch, now)


def test_a_change_drops_what_was_kept_in_the_row_it_changes(practice: Practice) -> None:
    assert requests_of(practice) == 1
    assert row(practice).compiled
    change(practice, 2)
    assert row(practice).compiled is None
    assert requests_of(practice) == 2  # though this process keeps version 1 for a minute


def test_who_compiled_an_older_version_keeps_nothing_of_it(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    def overtaken(schedule: Schedule) -> SearchIndex:
        change(practice, 2)
        return compile_search(schedule)

    monkeypatch.setattr(search_index_store, "compile_search", overtaken)
    assert requests_of(practice) == 1  # as it was when it was read
    monkeypatch.undo()
    assert row(practice).compiled is None
    assert requests_of(practice) == 2


def test_what_is_kept_ends(practice: Practice) -> None:
    start = now()
    requests_of(practice, start)
    until = row(practice).compiled_until
    assert until == epoch(start + IN_TABLE)
    requests_of(practice, start + IN_MEMORY + timedelta(seconds=1))
    assert row(practice).compiled_until == until  # still from the table
    later = start + IN_TABLE + timedelta(seconds=1)
    requests_of(practice, later)
    assert row(practice).compiled_until == epoch(later + IN_TABLE)


def test_what_another_release_kept_is_compiled_anew(practice: Practice) -> None:
    requests_of(practice)
    kept = row(practice)
    BookingRow(kept.pk, kept.sk).update([BookingRow.compiled.set(zlib.compress(b'{"unheard": "of"}'))])
    search_index_store.forget()
    assert requests_of(practice) == 1
    BookingRow(kept.pk, kept.sk).update([BookingRow.compiled.set(b"no zlib")])
    search_index_store.forget()
    assert requests_of(practice) == 1
