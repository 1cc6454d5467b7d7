"""What a backlog costs: 1,000 calls backfilled and judged, in a company without and with 5,000 other calls."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from benchmarks import system
from benchmarks.request_counts import Count, counted
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.calls import chain, store
from chalicelib.calls.backfill import Backfill
from chalicelib.calls.call import CallFacts, CallLink
from chalicelib.calls.call_owner import Default
from chalicelib.core.clock import now
from chalicelib.core.dry_run import in_dry_run
from chalicelib.core.ids import new_id
from chalicelib.core.unit import Unit
from infra.local.demo_practice import demo_practice

CALLS = 1_000
OTHERS = (0, 5_000)
AT_ONCE = 40
FIRST_TYPE = 101


@dataclass(frozen=True)
class PerCall:
    """What one call of the backlog costs on average."""

    name: str
    others: int
    requests: float
    read_units: float
    write_units: float


def costs(calls: int = CALLS, others: tuple[int, ...] = OTHERS) -> list[PerCall]:
    """A dry run, a backfill, the same again, and validate-chain, each in a company of its own per size of history."""
    found = []
    for number, size in enumerate(others, 1):
        found += _in_company(f"com_backlog{number}", number, calls, size)
    return found


def _in_company(company: str, number: int, calls: int, others: int) -> list[PerCall]:
    practice = demo_practice(company, suffix=str(number), shift=100 * number)
    save_practice(lambda: Unit(company), practice.branches, practice.services, practice.staff)
    _fill(company, others, lambda _: CallLink())
    _fill(company, calls, lambda each: _booked(each, FIRST_TYPE + 100 * number))
    measured = (
        ("backfill --dry-run", _backfilled(company, calls, dry=True)),
        ("backfill", _backfilled(company, calls)),
        ("backfill, again", _backfilled(company, 0)),
        ("validate-chain", _validated(company, calls)),
    )
    return [_per_call(name, others, count, calls) for name, count in measured]


def _per_call(name: str, others: int, count: Count, calls: int) -> PerCall:
    requests = count.reads + count.transactions + count.writes
    return PerCall(name, others, requests / calls, count.read_units / calls, count.write_units / calls)


def _backfilled(company: str, expected: int, *, dry: bool = False) -> Count:
    worker = Backfill(lambda owner: Unit(owner), now, Default("", False))

    def run() -> int:
        return sum(outcome.done == "booked" for outcome in worker.all([company]))

    with counted() as count:
        if dry:
            with in_dry_run():
                done = run()
        else:
            done = run()
    assert done == expected, (done, expected)
    return count


def _validated(company: str, expected: int) -> Count:
    with counted() as count:
        valid = sum(verdict.valid for _, verdict in chain.validate_all(company))
    assert valid == expected, (valid, expected)
    return count


def _booked(number: int, event_type: int) -> CallLink:
    details = {
        "calcom_uid": f"bench-{event_type}-{number}",
        "calcom_booking_id": event_type * 100_000 + number,
        "event_type_id": event_type,
        "start_time": system.monday(number).isoformat(),
        "name": f"Guest {number}",
        "phone": f"+4915100{number:06}",
    }
    return CallLink(booking_confirmed=True, booking_details=details)


def _fill(company: str, size: int, link: Callable[[int], CallLink]) -> None:
    begun = now() - timedelta(days=30)
    for first in range(0, size, AT_ONCE):
        unit = Unit(company)
        for number in range(first, min(first + AT_ONCE, size)):
            at = begun + timedelta(minutes=number)
            made = link(number)
            retell_id = f"bench-{company}-{bool(made.booking_details)}-{number}"
            facts = CallFacts(retell_call_id=retell_id, status="ended", direction="inbound", started_at=at)
            store.add_call(unit, new_id("call"), facts, made)
        unit.commit()
