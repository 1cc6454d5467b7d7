"""Cal.com's API v2 as a fake: `python -m infra.local.simulators.calcom --port 9001 --event-type 101:visit:30`."""

import argparse
from pathlib import Path

from infra.local.simulators.calcom.bookings import Rules
from infra.local.simulators.calcom.event_types import event_type_from_text
from infra.local.simulators.calcom.simulator import CalComSimulator, Hook


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9001)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--api-key", default="cal_test_key")
    parser.add_argument("--webhook-url")
    parser.add_argument("--webhook-secret")
    parser.add_argument("--webhook-delay", type=float, default=2.0, help="seconds")
    parser.add_argument("--event-type", action="append", type=event_type_from_text, default=[], help="id:slug:min:host")
    parser.add_argument("--rate-limit", type=int, help="requests a minute; not enforced unless given")
    parser.add_argument("--slot-taken-status", type=int, choices=(400, 409), default=400)
    parser.add_argument("--allow-past", action="store_true")
    parser.add_argument("--state", type=Path, help="JSON file that keeps the state over a restart")
    options = parser.parse_args()
    simulator = CalComSimulator(
        options.api_key,
        event_types=options.event_type,
        hook=Hook(options.webhook_url, options.webhook_secret, options.webhook_delay),
        rules=Rules(options.slot_taken_status, not options.allow_past),
        state_file=options.state,
    )
    simulator.rate_limit = options.rate_limit
    simulator.run_until_terminated(options.port, options.host)


if __name__ == "__main__":
    main()
