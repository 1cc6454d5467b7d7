"""Twilio's API as a fake: `python -m infra.local.simulators.twilio --port 9003 --auth-token token`."""

import argparse
from pathlib import Path

from infra.local.simulators.twilio.simulator import Hooks, TwilioSimulator


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9003)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--account-sid", default="AC00000000000000000000000000000000")
    parser.add_argument("--auth-token", default="twilio_test")
    parser.add_argument("--voice-url", default="")
    parser.add_argument("--status-url")
    parser.add_argument("--state", type=Path, help="JSON file that keeps the state over a restart")
    options = parser.parse_args()
    TwilioSimulator(
        options.account_sid,
        options.auth_token,
        hooks=Hooks(options.voice_url, options.status_url),
        plays=True,
        state_file=options.state,
    ).run_until_terminated(options.port, options.host)


if __name__ == "__main__":
    main()
