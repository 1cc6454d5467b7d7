"""Letting at most so many do something at once, across all Lambdas, without anyone who has to tidy up."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from pynamodb.exceptions import UpdateError

from chalicelib.core.clock import epoch
from chalicelib.core.rows import GuardRow

KEEP_SECONDS = 300


@contextmanager
def one_of(name: str, most: int, seconds: int, at: datetime) -> Iterator[bool]:
    """Hold one of `most` slots for at most `seconds`; says whether there was a free one. A request each way.

    Slots are counted by windows of `seconds`, so a crashed holder's is free again when its window is over, and two
    windows may overlap: each has half of `most`.
    """
    row = GuardRow(f"slots#{name}#{epoch(at) // seconds}", "guard")
    if not _take(row, most // 2, at):
        yield False
        return
    try:
        yield True
    finally:
        with suppress(UpdateError):  # it is free when the window is over, anyway
            row.update([GuardRow.tally.add(-1)])


def _take(row: GuardRow, most: int, at: datetime) -> bool:
    if most < 1:
        return False
    free = GuardRow.tally.does_not_exist() | (GuardRow.tally < most)
    try:
        row.update([GuardRow.tally.add(1), GuardRow.expires_at.set(epoch(at) + KEEP_SECONDS)], free)
    except UpdateError as error:
        if error.cause_response_code == "ConditionalCheckFailedException":
            return False
        raise
    return True
