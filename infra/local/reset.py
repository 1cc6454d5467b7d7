"""`make reset`: forgets the local system's data, so that the next `make run` begins with a fresh demo practice."""

import shutil
import sys

from infra.local import ministack
from infra.local.embedded import CannotStart
from infra.local.environment import data_folder
from infra.local.run import only_one

FORGOTTEN = ("aws", "state", "logs", "keys.json", "ports.json", "ready.json", "shape.json")
"""Everything of `.local/` but the installed environments."""


def main() -> int:
    """The exit code."""
    folder = data_folder()
    try:
        with only_one(folder, 0):
            ministack.outlast(folder / "aws", print)
            for name in FORGOTTEN:
                path = folder / name
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
    except (CannotStart, ministack.InUse) as reason:
        print(f"Nothing was removed: {reason}", file=sys.stderr)
        return 1
    print(f"The local data in {folder} is gone; `make run` begins anew.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
