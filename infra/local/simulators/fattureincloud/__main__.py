"""Fatture in Cloud's API v2 as a fake: `python -m infra.local.simulators.fattureincloud --port 9003`."""

import argparse
from pathlib import Path

from infra.local.simulators.fattureincloud.access import Keys
from infra.local.simulators.fattureincloud.data import RESOURCES, Sizes
from infra.local.simulators.fattureincloud.simulator import COMPANY, FattureInCloudSimulator, Notices


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9003)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--client-id", default="fic_client_test")
    parser.add_argument("--client-secret", default="fic_secret_test")
    parser.add_argument("--token", default="a/manual-test-token", help="made by hand, opens everything for ever")
    parser.add_argument("--webhook-delay", type=float, default=1.0, help="seconds")
    for resource in RESOURCES:
        parser.add_argument(f"--{resource}", type=int, default=Sizes().of(resource))
    parser.add_argument("--state", type=Path, help="JSON file that keeps the state over a restart")
    options = parser.parse_args()
    simulator = FattureInCloudSimulator(
        Keys(options.client_id, options.client_secret, options.token),
        companies={COMPANY: Sizes(**{resource: getattr(options, resource) for resource in RESOURCES})},
        notices=Notices(delay_seconds=options.webhook_delay),
        state_file=options.state,
    )
    print(f"FIC_WEBHOOK_PUBLIC_KEY={simulator.public_key}", flush=True)
    simulator.run_until_terminated(options.port, options.host)


if __name__ == "__main__":
    main()
