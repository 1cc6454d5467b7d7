"""A phone that rings."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.core.clock import now
from chalicelib.vendors import retell
from infra.local.invoking import Answer, call

BERLIN = ZoneInfo("Europe/Berlin")


def next_monday(hour: int, minute: int = 0) -> datetime:
    """Next week's Monday at that time in Berlin."""
    today = now().astimezone(BERLIN)
    day = today + timedelta(days=7 - today.weekday())
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0)


Ring = Callable[..., Answer]


def signed(path: str, body: dict[str, Any]) -> Answer:
    """Post what Retell would post, signed."""
    raw = json.dumps(body).encode()
    return call("POST", path, raw=raw, headers={"x-retell-signature": retell.sign(raw, "key_test", now())})


def ask(name: str, args: dict[str, Any], call_id: str = "retell-1", **fields: Any) -> Answer:
    """Let the agent call a function during a call to the Berlin branch."""
    details = {
        "call_id": call_id,
        "call_type": "phone_call",
        "from_number": "+4915112345678",
        "to_number": "+493055501000",
        "direction": "inbound",
        "call_status": "ongoing",
        "start_timestamp": 1795171633490,
    }
    return signed("/webhooks/retell/function", {"name": name, "args": args, "call": details | fields})


def wish(hour: int = 10, **fields: Any) -> dict[str, Any]:
    """What the agent asks for when somebody wants a consultation on Monday."""
    starts_at = next_monday(hour).replace(tzinfo=None).isoformat()
    return {"service": "Consultation", "starts_at": starts_at, "name": "Eve Stone", "email": None} | fields
