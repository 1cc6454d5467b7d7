"""The calls that the simulated Retell account knows, and how they are listed."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

from infra.local.simulators.exchange import Refused

Call = dict[str, Any]
"""In the shape of the API; timestamps in Unix milliseconds."""

CREATE_FIELDS = frozenset(
    {
        *("from_number", "to_number", "override_agent_id", "override_agent_version", "agent_override", "metadata"),
        *("retell_llm_dynamic_variables", "custom_sip_headers", "ignore_e164_validation", "idempotency_key"),
        "honor_internal_dnc",
    }
)
LEFT_OUT = frozenset({"transcript", "transcript_object", "transcript_with_tool_calls", "recording_url"})
"""What the third version of the list does not tell of a call; get-call does."""
Test = Callable[[Call], bool]


class Calls:
    """Methods raise Refused."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.all: dict[str, Call] = {}
        self._clock = clock
        self._by_idempotency_key: dict[str, str] = {}

    def clear(self) -> None:
        """Forgets everything."""
        self.all.clear()
        self._by_idempotency_key.clear()

    def get(self, call_id: str) -> Call:
        """The call, else 404."""
        if call_id not in self.all:
            raise Refused(404, "Item not found")
        return self.all[call_id]

    def create_phone_call(self, body: Any) -> Call:
        """`POST /v2/create-phone-call`; the same idempotency_key gives the same call."""
        for name in body:
            if name not in CREATE_FIELDS:
                raise Refused(400, f"request/body must NOT have additional property {name}")
        for name in ("from_number", "to_number"):
            if not str(body.get(name, "")).startswith("+"):
                raise Refused(400, f"request/body/{name} must be E.164")
        key = body.get("idempotency_key")
        if key in self._by_idempotency_key:
            return self.get(self._by_idempotency_key[key])
        call = self.register(
            direction="outbound",
            from_number=body["from_number"],
            to_number=body["to_number"],
            agent_id=body.get("override_agent_id", "agent_demo"),
            metadata=body.get("metadata", {}),
            retell_llm_dynamic_variables=body.get("retell_llm_dynamic_variables", {}),
        )
        if key:
            self._by_idempotency_key[key] = call["call_id"]
        return call

    def register(self, **fields: Any) -> Call:
        """A new call, not yet begun; `fields` go over the defaults."""
        call: Call = {
            "call_type": "phone_call",
            "call_id": f"call_{uuid4().hex[:27]}",
            "agent_id": "agent_demo",
            "agent_version": 0,
            "agent_name": "Front desk",
            "call_status": "registered",
            "direction": "inbound",
            "metadata": {},
            "retell_llm_dynamic_variables": {},
            "opt_out_sensitive_data_storage": False,
            **fields,
        }
        self.all[call["call_id"]] = call
        return call

    def list_v3(self, body: Any) -> dict[str, Any]:
        """`POST /v3/list-calls`: typed filters, an object with `items`, without transcripts and recordings."""
        tests = _typed_tests(body.get("filter_criteria") or {})
        rows = self._sorted(body.get("sort_order", "descending"), tests)
        page, more = _page(rows, body, skip=body.get("skip", 0))
        items = [{name: value for name, value in call.items() if name not in LEFT_OUT} for call in page]
        reply: dict[str, Any] = {"items": items, "has_more": more}
        if more:
            reply["pagination_key"] = page[-1]["call_id"]
        if body.get("include_total"):
            reply["total"] = len(rows)
        return reply

    def list_v2(self, body: Any) -> list[Call]:
        """`POST /v2/list-calls`: plain filters, a bare array."""
        tests = _plain_tests(body.get("filter_criteria") or {})
        return _page(self._sorted(body.get("sort_order", "descending"), tests), body, skip=0)[0]

    def millis(self) -> int:
        """Now, as Retell writes it."""
        return round(self._clock().timestamp() * 1000)

    def _sorted(self, order: str, tests: list[Test]) -> list[Call]:
        if order not in ("ascending", "descending"):
            raise Refused(422, "sort_order must be ascending or descending")
        found = [call for call in self.all.values() if all(test(call) for test in tests)]
        return sorted(found, key=lambda call: call.get("start_timestamp", 0), reverse=order == "descending")


def _page(rows: list[Call], body: Any, skip: int) -> tuple[list[Call], bool]:
    limit = body.get("limit", 50)
    if not isinstance(limit, int) or not 1 <= limit <= 1000:
        raise Refused(422, "limit must be from 1 to 1000")
    after = body.get("pagination_key")
    if after is not None:
        position = next((i for i, call in enumerate(rows) if call["call_id"] == after), None)
        if position is None:
            raise Refused(422, "pagination_key is not a call of this list")
        skip = position + 1
    return rows[skip : skip + limit], len(rows) > skip + limit


def _plain_tests(criteria: dict[str, Any]) -> list[Test]:
    tests: list[Test] = []
    for name, criterion in criteria.items():
        if isinstance(criterion, list):
            tests.append(lambda call, name=name, values=criterion: call.get(name) in values)  # type: ignore[misc]
        else:
            low, high = criterion.get("lower_threshold", 0), criterion.get("upper_threshold", 10**15)
            tests.append(_between(name, low, high))
    return tests


def _typed_tests(criteria: dict[str, Any]) -> list[Test]:
    return [_typed_test(name, one["op"], one["value"]) for name, one in criteria.items()]


def _typed_test(name: str, op: str, value: Any) -> Test:
    if op in ("bt", "between", "range"):
        low, high = value
        return _between(name, low, high)
    tests: dict[str, Test] = {
        "in": lambda call: call.get(name) in value,
        "eq": lambda call: call.get(name) == value,
        "ne": lambda call: call.get(name) != value,
        "sw": lambda call: str(call.get(name, "")).startswith(value),
        "ew": lambda call: str(call.get(name, "")).endswith(value),
        "co": lambda call: value in str(call.get(name, "")),
        "gt": lambda call: call.get(name, 0) > value,
        "ge": lambda call: call.get(name, 0) >= value,
        "lt": lambda call: call.get(name, 10**15) < value,
        "le": lambda call: call.get(name, 10**15) <= value,
    }
    if op not in tests:
        raise Refused(422, f"filter op {op} is not known")
    return tests[op]


def _between(name: str, low: int, high: int) -> Test:
    return lambda call: name in call and low <= call[name] <= high
