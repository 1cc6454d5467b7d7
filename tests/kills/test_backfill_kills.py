"""Kill a backfill before and after every outside call; run again, it ends where an undisturbed one would."""

import pytest

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.tables import BookingRow, OccupancyRow
from chalicelib.calls import chain, list_store
from chalicelib.calls.tables import CallRow
from chalicelib.core.inbox import PLATFORM
from chalicelib.core.rows import DirectoryRow
from tests.calls.backlog import COMPANY, details, recorded, run_all
from tests.conftest import EmbeddedAws, open_practice
from tests.kills.dying import Death, run_dying
from tests.kills.test_kills import until_it_survives


@pytest.mark.slow
def test_a_backfill_that_dies_is_simply_run_again(aws: EmbeddedAws) -> None:
    open_practice(COMPANY, calcom=True)
    tried = 0

    def case(death: Death) -> bool:
        nonlocal tried
        tried += 1
        first = 10 * tried
        for number in (first, first + 1):
            recorded(number)
        recorded(first + 2, details(first + 2), to_number="+12025550000")
        died = run_dying(run_all, death)
        run_all()
        made = [row.model(Appointment) for row in BookingRow.scan() if row.sk == "appointment"]
        assert sorted(str(a.external_id) for a in made) == [f"uid-{first + n}" for n in range(3)]
        assert len({a.call_id for a in made}) == 3
        assert [v.valid for _, v in chain.validate_all(COMPANY)] == [True] * 3
        assert (list_store.count_backlog(COMPANY), list_store.count_backlog(PLATFORM)) == (0, 0)
        assert run_all() == []
        _clear()
        return died

    calls = until_it_survives(case)
    print(f"{calls} outside calls, {tried} deaths tried")
    assert calls >= 8


def _clear() -> None:
    appointments = BookingRow.scan(BookingRow.sk == "appointment")
    known = DirectoryRow.scan(DirectoryRow.pk.startswith("external#calcom#booking"))
    for row in [*OccupancyRow.scan(), *appointments, *CallRow.scan(), *known]:
        row.delete()
