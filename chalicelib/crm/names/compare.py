"""Whether two names are one person's. What is compared are words, or digests of words: both are equal or not."""

from collections.abc import Sequence

import msgspec

from chalicelib.core.personal import digest
from chalicelib.crm.names.fold import words

_WORD, _INITIAL = 8, 4
"""Characters of a digest, six bits each."""


class Word(msgspec.Struct, frozen=True, array_like=True):
    """A word of a name. `initial`: its first letter, which may be all of it."""

    word: str
    initial: str


Name = tuple[Word, ...]
"""The words of a name in no order that matters; none: no name is known."""


def name_of(text: str) -> Name:
    """The words of a name."""
    return tuple(Word(word, word[0]) for word in words(text))


def sealed_name(company_id: str, text: str) -> Name:
    """The words of a name as digests, which can be compared with those of the same company's alone."""
    return tuple(_sealed(company_id, word) for word in words(text))


def _sealed(company_id: str, word: str) -> Word:
    initial = digest(company_id, "initial", word[0], _INITIAL)
    whole = digest(company_id, "name", word, _WORD) if len(word) > 1 else initial
    return Word(whole, initial)


def same_name(left: str, right: str) -> bool:
    """Whether both have the same words, whatever their case, accents and order; a name without letters is nobody's."""
    found = words(left)
    return bool(found) and sorted(found) == sorted(words(right))


def fits(left: Name, right: Name) -> bool:
    """Whether one is the other, with words left out (middle names) or given as initials alone."""
    fewer, more = sorted((left, right), key=len)
    return bool(fewer) and _covers(more, fewer)


def _covers(more: Sequence[Word], fewer: Sequence[Word]) -> bool:
    """Whether each of the fewer has one of its own among the more; equal words before initials."""
    left = list(more)
    rest = []
    for word in fewer:
        equal = next((one for one in left if one.word == word.word), None)
        if equal is None:
            rest.append(word)
        else:
            left.remove(equal)
    for word in rest:
        found = next((one for one in left if _is_one(one, word)), None)
        if found is None:
            return False
        left.remove(found)
    return True


def _is_one(left: Word, right: Word) -> bool:
    """Whether they are equal, or one is the initial of the other alone."""
    if left.word == right.word:
        return True
    return _is_initial(left) != _is_initial(right) and left.initial == right.initial


def _is_initial(one: Word) -> bool:
    return one.word == one.initial
