"""FIC's filter language: `updated_at >= '2026-01-01 00:00:00' and (type = 'person' or name contains 'rossi')`."""

import re
from collections.abc import Callable, Collection
from typing import Any

Look = Callable[[str], Any]
"""The value of a field, such as `name` or `entity.name`."""
Test = Callable[[Look], bool]
ENTITY_FIELDS = frozenset(
    {
        *("id", "code", "name", "type", "vat_number", "tax_code", "address_street", "address_postal_code"),
        *("address_city", "address_province", "country", "email", "certified_email", "phone", "fax", "notes"),
        *("e_invoice", "ei_code", "created_at", "updated_at"),
    }
)
DOCUMENT_FIELDS = frozenset(
    {
        *("id", "type", "entity.id", "entity.name", "entity.vat_number", "entity.tax_code", "entity.city"),
        *("entity.province", "entity.country", "date", "number", "numeration", "any_subject"),
        *("amount_net", "amount_vat", "amount_gross", "next_due_date", "created_at", "updated_at"),
    }
)
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<mark><=|>=|!=|<>|[=<>()])|(?P<word>[A-Za-z_.]+))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<>": lambda a, b: bool(a != b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    "contains": lambda a, b: str(b).lower() in str(a).lower(),
    "starts with": lambda a, b: str(a).lower().startswith(str(b).lower()),
    "ends with": lambda a, b: str(a).lower().endswith(str(b).lower()),
    "like": lambda a, b: _like(str(b)).fullmatch(str(a)) is not None,
    "not like": lambda a, b: _like(str(b)).fullmatch(str(a)) is None,
}


def parse(query: str, fields: Collection[str]) -> Test:
    """What decides whether a record fits; raises ValueError for what is no filter on these fields."""
    parser = _Parser(query, fields)
    found = parser.alternatives()
    parser.expect_end()
    return found


class _Parser:
    def __init__(self, query: str, fields: Collection[str]) -> None:
        self._tokens = _tokens(query)
        self._fields = fields

    def alternatives(self) -> Test:
        tests = [self._all()]
        while self._accept("or"):
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else lambda look: any(test(look) for test in tests)

    def expect_end(self) -> None:
        if self._tokens:
            raise ValueError(f"q: did not expect {self._tokens[0][1]}")

    def _all(self) -> Test:
        tests = [self._one()]
        while self._accept("and"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda look: all(test(look) for test in tests)

    def _one(self) -> Test:
        if self._accept("("):
            inner = self.alternatives()
            if not self._accept(")"):
                raise ValueError("q: a parenthesis is not closed")
            return inner
        _, field = self._next()
        if field not in self._fields:
            raise ValueError(f"q: {field} cannot be filtered")
        if self._accept("is"):
            empty = not self._accept("not")
            if not self._accept("null"):
                raise ValueError("q: expected null")
            return lambda look: (look(field) is None) is empty
        compare = self._operator()
        operand = self._literal()
        return lambda look: _fits(compare, look(field), operand)

    def _operator(self) -> Callable[[Any, Any], bool]:
        _, name = self._next()
        name = name.lower()
        if name in ("starts", "ends", "not"):
            name += f" {self._next()[1].lower()}"
        if name not in _COMPARE:
            raise ValueError(f"q: unknown operator {name}")
        return _COMPARE[name]

    def _literal(self) -> Any:
        kind, token = self._next()
        if kind == "text":
            return token[1:-1].replace("''", "'")
        if kind == "number":
            return float(token)
        if token.lower() in ("true", "false"):
            return token.lower() == "true"
        raise ValueError(f"q: {token} is no value")

    def _next(self) -> tuple[str, str]:
        if not self._tokens:
            raise ValueError("q: ends too early")
        return self._tokens.pop(0)

    def _accept(self, word: str) -> bool:
        if self._tokens and self._tokens[0][0] in ("word", "mark") and self._tokens[0][1].lower() == word:
            self._tokens.pop(0)
            return True
        return False


def _tokens(query: str) -> list[tuple[str, str]]:
    found, position = [], 0
    while query[position:].strip():
        match = _TOKEN.match(query, position)
        if match is None:
            raise ValueError(f"q: cannot read {query[position:][:20]!r}")
        found.append((match.lastgroup or "", match[match.lastgroup or 0]))
        position = match.end()
    return found


def _fits(compare: Callable[[Any, Any], bool], value: Any, operand: Any) -> bool:
    if value is None:
        return False
    if isinstance(operand, float) and not isinstance(value, int | float):
        return False
    if isinstance(operand, str) and not isinstance(value, str):
        value = str(value)
    return compare(value, operand)


def _like(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split("%")), re.IGNORECASE | re.DOTALL)
