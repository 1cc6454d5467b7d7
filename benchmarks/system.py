"""An embedded AWS with the demo practice and a simulated Cal.com, in this process's environment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.core import aws
from chalicelib.core.clock import now
from chalicelib.core.settings import settings
from chalicelib.core.unit import Unit
from chalicelib.identity.create_company import NewCompany, Person, create_company
from chalicelib.identity.password_login import sign_in
from infra.local import ministack
from infra.local.demo_practice import Practice, demo_practice
from infra.local.provision import provision

COMPANY = "com_bench"
KEY = "key_bench"


@contextmanager
def running() -> Iterator[Practice]:
    """Start it, yield the practice, stop it."""
    # Imported here: whoever looks at a benchmark without running it needs no vendor.
    from infra.local.simulators.calcom.event_types import EventType, Host
    from infra.local.simulators.calcom.simulator import CalComSimulator

    embedded = ministack.start()
    simulator = CalComSimulator("cal_bench")
    os.environ |= {
        "AWS_ENDPOINT_URL": embedded.url,
        "AWS_ACCESS_KEY_ID": "000000000000",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "PILOT_STAGE": "bench",
        "PILOT_LOG_LEVEL": "ERROR",
        "PILOT_SECRETS_FROM": "environment",
        "RETELL_API_KEY": KEY,
        "CALCOM_API_KEY": "cal_bench",
        "CALCOM_WEBHOOK_SECRET": "whsec_bench",
        "PEOPLE_KEY": "people_key_of_the_benchmarks_0123456789",
        "CALCOM_BASE_URL": simulator.start(),
    }
    settings.cache_clear()
    aws.forget_clients()
    try:
        provision()
        practice = demo_practice(COMPANY)
        for kind in practice.event_types:
            hosts = [Host(id=host) for host in kind["hosts"]]
            made = EventType(id=kind["id"], slug=kind["slug"], length_in_minutes=kind["lengthInMinutes"], hosts=hosts)
            simulator.bookings.event_types[made.id] = made
        save_practice(lambda: Unit(COMPANY), practice.branches, practice.services, practice.staff)
        admin = Person("Bench", "bench@example.com", "correct horse battery")
        _, user = create_company(NewCompany("Bench", id=COMPANY), admin, now)
        os.environ["BENCH_USER"] = user.id
        os.environ["BENCH_TOKEN"] = sign_in(admin.email, admin.password, "203.0.113.7", now).issued.secret
        yield practice
    finally:
        simulator.stop()
        embedded.stop()


def monday(number: int, zone: str = "Europe/Berlin") -> datetime:
    """The `number`-th half-hour slot from 9 to 17 o'clock on workdays from next Monday on."""
    today = now().astimezone(ZoneInfo(zone))
    start = (today + timedelta(days=7 - today.weekday())).replace(hour=9, minute=0, second=0, microsecond=0)
    workday, slot = divmod(number, 16)
    week, day = divmod(workday, 5)
    return start + timedelta(weeks=week, days=day, minutes=30 * slot)


def agent_call(name: str, args: dict[str, Any], call_id: str) -> dict[str, Any]:
    """What Retell posts when the agent calls a function."""
    call = {"call_id": call_id, "from_number": "+4915112345678", "to_number": "+493055501000", "direction": "inbound"}
    return {"name": name, "args": args, "call": call}
