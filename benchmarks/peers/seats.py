"""What is taken of someone's time, and what that leaves to others, as the peers have it: also seats of a group."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from chalicelib.booking.engine.starts import SlotSpec
from chalicelib.booking.engine.windows import Window


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """Minutes `start` to `end`, with what it keeps free around itself; `people`: seats it takes of `same_service`."""

    start: int
    end: int
    before: int = 0
    after: int = 0
    same_service: bool = False
    people: int = 1

    @property
    def blocked(self) -> Window:
        """The minutes that nothing else may touch."""
        return self.start - self.before, self.end + self.after


def seated(taken: Iterable[Taken]) -> Counter[Window]:
    """How many seats of each group (start, end) of the service are taken."""
    groups: Counter[Window] = Counter()
    for each in taken:
        if each.same_service:
            groups[each.start, each.end] += each.people
    return groups


def blocked_windows(
    taken: Iterable[Taken], spec: SlotSpec, seats: int | None = None
) -> tuple[list[Window], list[Window]]:
    """The blocked windows, from which the appointment's own buffers keep clear, and what is unavailable besides.

    A group of the same service with a seat left blocks nothing but the time around it.
    """
    everything = list(taken)
    groups = seated(everything) if seats else {}
    busy, unavailable = [], []
    for each in everything:
        if seats and each.same_service and groups[each.start, each.end] < seats:
            unavailable.append((each.start - each.before - spec.after, each.start))
            unavailable.append((each.end, each.end + each.after + spec.before))
        else:
            busy.append(each.blocked)
    return busy, [window for window in unavailable if window[0] < window[1]]


def with_a_seat(starts: Sequence[int], taken: Sequence[Taken], duration: int, seats: int) -> list[int]:
    """The starts at which nothing of another service is in the way and fewer than `seats` of this one are taken."""
    free = []
    for start in starts:
        meets = [each for each in taken if each.start < start + duration and start < each.end]
        if all(each.same_service for each in meets) and sum(each.people for each in meets) < seats:
            free.append(start)
    return free


def attendance(starts: Iterable[int], taken: Iterable[Taken]) -> Mapping[int, int]:
    """How many seats are taken already, for each of the starts at which any are."""
    people = Counter[int]()
    for each in taken:
        if each.same_service:
            people[each.start] += each.people
    return {start: people[start] for start in starts if start in people}
