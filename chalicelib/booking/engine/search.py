"""The search for free starts: hours and what is taken as bitmaps, then the grid and what is asked."""

from functools import lru_cache

import msgspec

from chalicelib.booking.engine import bits
from chalicelib.booking.engine.clocks import phase
from chalicelib.booking.engine.hours import Hours, opened
from chalicelib.booking.engine.query import AvailabilityQuery, Frame, Host
from chalicelib.booking.engine.starts import SlotSpec, aligned, opening_grid
from chalicelib.booking.engine.windows import Window


class Opened(msgspec.Struct, frozen=True):
    """Hours within the frame: their windows, the open minutes, and where an appointment would fit into them."""

    windows: tuple[Window, ...]
    minutes: int
    fit: int


def search_each(query: AvailabilityQuery, frame: Frame) -> dict[str, list[int]]:
    """Every start within what is asked at which a host alone is free, in order, by the host's id."""
    grid, allowed = plain_grid(query, frame), bits.mask([query.starts], frame.origin, frame.size)
    return {host.id: bits.ones(_starts(query, host, frame, grid) & allowed, frame.origin) for host in query.hosts}


def _starts(query: AvailabilityQuery, host: Host, frame: Frame, grid: int | None) -> int:
    if grid is not None:
        return fits(host, query.spec, frame) & grid
    if query.spec.alignment == "opening":
        windows = opened_in(host.hours, frame, query.spec.duration).windows
        return fits(host, query.spec, frame) & opening_grid(windows, query.spec, frame.origin, frame.size)
    starts = 0
    for start in aligned(stretches(query, host, frame), query.spec, query.viewer):
        starts |= 1 << (start - frame.origin)
    return starts


@lru_cache(maxsize=256)
def opened_in(hours: Hours, frame: Frame, duration: int) -> Opened:
    """What of the frame the hours open to something so long; kept, since hours change far less than what is taken."""
    # Local days are up to 14 hours off.
    windows = tuple(opened(hours, frame.first - 1, frame.first + frame.days))
    minutes = bits.mask(windows, frame.origin, frame.size)
    return Opened(windows, minutes, bits.runs(minutes, duration))


def fits(host: Host, spec: SlotSpec, frame: Frame) -> int:
    """A bit at every minute at which the appointment would fit the host, whatever the grid and the rules.

    It lies in the host's hours, and what it blocks is clear of what is taken.
    """
    hours = opened_in(host.hours, frame, spec.duration)
    fit = hours.fit
    if host.unavailable:
        fit = bits.runs(hours.minutes & ~bits.mask(host.unavailable, frame.origin, frame.size), spec.duration)
    if host.busy:
        # One run of free minutes as long as what it blocks; it begins `before` minutes ahead of the start.
        free = bits.full(frame.size) ^ host.busy
        fit &= bits.runs(free, spec.before + spec.duration + spec.after) << spec.before
    return fit


def plain_grid(query: AvailabilityQuery, frame: Frame) -> int | None:
    """A bit at every multiple of the step on the viewer's clock; None where that is not all that the spec says."""
    if not query.spec.plain:
        return None
    step = query.spec.step
    at = phase(query.viewer, frame.first + 1, frame.first + frame.days - 1, step)
    return None if at is None else bits.every(step, (at - frame.origin) % step, frame.size)


def stretches(query: AvailabilityQuery, host: Host, frame: Frame) -> list[Window]:
    """The stretches of the host's free time, within what is asked, in which an appointment itself may lie."""
    spec, size = query.spec, frame.size
    taken = bits.widened(host.busy, spec.after, spec.before) | bits.mask(host.unavailable, frame.origin, size)
    within = bits.mask([(query.earliest, query.last)], frame.origin, size)
    return bits.spans(opened_in(host.hours, frame, spec.duration).minutes & ~taken & within, frame.origin)
