"""Where a use case ends: whoever is refused a time is told the nearest ones that can be had, each bookable as given."""

from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.booking.alternatives.refusal import Refusal


@contextmanager
def with_alternatives() -> Iterator[None]:
    """Adds `alternatives` to a refusal that leaves the block, or the function it decorates; none where none helps."""
    try:
        yield
    except Refusal as refusal:
        if "alternatives" not in refusal.extra:
            refusal.extra["alternatives"] = _found(refusal)
        raise


def _found(refusal: Refusal) -> list[dict[str, object]]:
    if not refusal.other_times_help:
        return []
    # The search is a fifth of what a booking would import, and only who is refused needs it.
    from chalicelib.booking.alternatives.search import find_alternatives

    return find_alternatives(refusal.request, consultation=refusal.consultation)
