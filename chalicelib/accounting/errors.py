"""What goes wrong in accounting and nowhere else."""

from chalicelib.core.errors import Conflict


class Overtaken(Conflict):
    """Another worker has written this run or order; unlike Stale, writing the same records again does not help."""

    def __init__(self) -> None:
        super().__init__("overtaken", "Another worker was faster.")
