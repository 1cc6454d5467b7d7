"""Retell's API as a fake: `python -m infra.local.simulators.retell --port 9002 --api-key key_x`."""

import argparse
from pathlib import Path

from infra.local.simulators.retell.agent import Addresses
from infra.local.simulators.retell.simulator import RetellSimulator


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9002)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--api-key", default="key_x")
    parser.add_argument("--webhook-url", default="")
    parser.add_argument("--function-url", default="", help="may hold {name}")
    parser.add_argument("--inbound-url", help="asked before a call is answered")
    parser.add_argument("--state", type=Path, help="JSON file that keeps the calls over a restart")
    options = parser.parse_args()
    addresses = Addresses(options.webhook_url, options.function_url, options.inbound_url)
    simulator = RetellSimulator(options.api_key, addresses, state_file=options.state)
    simulator.run_until_terminated(options.port, options.host)


if __name__ == "__main__":
    main()
