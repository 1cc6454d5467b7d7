"""Kill the process at any call of booking and moving a package: all of its parts are there, or none."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.booking.appointments import package_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.package import Together
from chalicelib.booking.packages.change import Change, cancel
from chalicelib.booking.packages.reschedule import reschedule
from chalicelib.booking.rules.reschedule_rules import Move
from chalicelib.booking.tables import BookingRow
from tests.booking.calendars import read_calendar
from tests.booking.spa import QUARTER, TEN, booked, clock, new_unit, open_spa
from tests.conftest import EmbeddedAws
from tests.kills.dying import Death, run_dying
from tests.kills.test_kills import until_it_survives


def changing() -> ChangeContext[Any]:
    return ChangeContext(new_unit, "com_test", clock)


def packages(but: set[str]) -> list[Together]:
    """Those that are there, without those of these ids."""
    ids = {row.pk.partition("#")[2] for row in BookingRow.scan() if row.sk == "package"}
    return [package_store.get("com_test", package_id) for package_id in ids - but]


@pytest.mark.slow
def test_a_package_is_whole_whatever_dies(aws: EmbeddedAws) -> None:
    practice = open_spa()
    tried, known = 0, set[str]()

    def case(death: Death) -> bool:
        nonlocal tried
        tried += 1
        weeks, days = divmod(tried, 5)  # workdays
        at = TEN + timedelta(weeks=weeks, days=days)

        def work() -> None:
            made = booked(practice, at)
            assert made.package
            reschedule(changing(), made.package.id, Move(starts_at=at + QUARTER))

        died = run_dying(work, death)
        new = packages(known)
        known.update(one.package.id for one in new)
        parts = [row for row in BookingRow.scan() if row.sk == "appointment" and f"{at:%Y-%m-%d}" in str(row.starts_at)]
        assert len(parts) == 2 * len(new)
        assert len(new) <= 1
        for one in new:
            assert len({part.status for part in one.parts}) == 1
            assert len({part.version for part in one.parts}) == 1
            assert one.starts_at in (at, at + QUARTER)
            assert one.parts[1].starts_at == one.parts[0].ends_at
            for part in one.parts:
                member = next(m for m in practice.staff if m.id == part.staff_id)
                held = [e.start for e in read_calendar(member, part.entry()).entries()]
                assert part.starts_at in held
            cancel(changing(), one.package.id, Change())
        if not died:
            assert appointment_store.get_appointment("com_test", new[0].parts[0].id).moves == 1
        return died

    assert until_it_survives(case) >= 5
