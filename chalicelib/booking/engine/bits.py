"""Bitmaps: a Python int with one bit a minute from some origin on; whole months by shift and mask."""

from collections.abc import Iterable
from functools import lru_cache

from chalicelib.booking.engine.windows import Window

CHUNK = 1440
_CHUNK_BYTES = CHUNK // 8


def mask(windows: Iterable[Window], origin: int, size: int) -> int:
    """A bit for every minute of the windows within `size` minutes of `origin`."""
    bits = 0
    for start, end in windows:
        first, last = max(start - origin, 0), min(end - origin, size)
        if first < last:
            bits |= (1 << last) - (1 << first)
    return bits


def runs(bits: int, length: int) -> int:
    """A bit wherever `length` set bits begin, in log2(length) steps."""
    have = 1
    while have < length and bits:
        step = min(have, length - have)
        bits &= bits >> step
        have += step
    return bits


def widened(bits: int, left: int, right: int) -> int:
    """Every run of bits made longer by `left` minutes ahead and `right` minutes after, in log2 steps."""
    have, needed = 1, left + right + 1
    while have < needed:
        step = min(have, needed - have)
        bits |= bits << step
        have += step
    return bits >> left


@lru_cache(maxsize=64)
def every(step: int, first: int, size: int) -> int:
    """A bit at `first` and at every `step` minutes after it, below `size`."""
    count = max(0, (size - first + step - 1) // step)
    return (((1 << step * count) - 1) // ((1 << step) - 1)) << first if count else 0


@lru_cache(maxsize=16)
def full(size: int) -> int:
    """Every bit below `size`."""
    return (1 << size) - 1


def ones(bits: int, origin: int = 0) -> list[int]:
    """The places of the set bits, counted from `origin`, in order."""
    # A day at a time, since to take one bit out of a month's int costs the whole month; each from its last bit down.
    found: list[int] = []
    add, read, powers = found.append, int.from_bytes, _powers()
    packed = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
    for at in range((len(packed) - 1) // _CHUNK_BYTES * _CHUNK_BYTES, -1, -_CHUNK_BYTES):
        chunk = read(packed[at : at + _CHUNK_BYTES], "little")
        first = origin + at * 8
        while chunk:
            last = chunk.bit_length() - 1
            add(first + last)
            chunk ^= powers[last]
    found.reverse()
    return found


@lru_cache(maxsize=1)
def _powers() -> list[int]:
    return [1 << bit for bit in range(CHUNK)]


def spans(bits: int, origin: int) -> list[Window]:
    """The runs of set bits, as windows."""
    edges = ones(bits ^ (bits << 1), origin)
    return list(zip(edges[::2], edges[1::2], strict=True))
