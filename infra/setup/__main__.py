"""`python -m infra.setup run|dev|lock`: run by whatever Python there is, so with the standard library alone."""

import sys
from pathlib import Path

from infra.setup.environments import DEV, RUN, Checkout
from infra.setup.installers import CannotInstall


def main(arguments: list[str], root: Path) -> int:
    """The exit code; arguments after `lock` are given to `uv pip compile`."""
    checkout = Checkout(root, lambda text: print(text, flush=True))
    try:
        match arguments:
            case ["lock", *upgrade]:
                checkout.lock(upgrade)
            case ["run"]:
                checkout.set_up(RUN)
            case ["dev"]:
                checkout.set_up(DEV)
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except CannotInstall as failure:
        print(f"Setup cannot go on: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(__file__).resolve().parents[2]))
