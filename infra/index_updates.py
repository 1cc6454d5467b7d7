"""The updates from a deployed root template to a new one: in each DynamoDB adds or drops one index of a table.

New indexes come first, to what is deployed, so that the code that asks them finds them built; what is not used any more
goes last, when the code that asked it is gone.
"""

import copy
from dataclasses import dataclass
from typing import Any

from infra.intrinsics import Template

TABLE = "AWS::DynamoDB::Table"
INDEXES, ATTRIBUTES, KEYS = "GlobalSecondaryIndexes", "AttributeDefinitions", "KeySchema"
Index = dict[str, Any]


class CannotUpdate(RuntimeError):
    """What the new template asks of a table cannot be done to one that has data; the message says what can."""


@dataclass(frozen=True)
class Update:
    """One update of the root stack. `new`: it brings the new package; otherwise it changes indexes of what is there."""

    template: Template
    changes: tuple[str, ...]
    new: bool


def updates(deployed: Template | None, target: Template) -> list[Update]:
    """In order; one alone unless indexes of deployed tables are added or dropped. Raises CannotUpdate."""
    if deployed is None:
        return [Update(target, (), new=True)]
    current, then = _tables(deployed), _tables(target)
    both = sorted(set(current) & set(then))
    for name in both:
        _check(name, current[name], then[name])
    added = {name: _only_in(then[name], current[name]) for name in both}
    dropped = {name: _only_in(current[name], then[name]) for name in both}
    attributes = {name: _attributes(current[name]) | _attributes(then[name]) for name in both}
    steps: list[Update] = []
    for step in range(1, _longest(added) + 1):
        template, changes = copy.deepcopy(deployed), []
        for name, indexes in added.items():
            _put(template, name, [*_indexes(current[name]).values(), *indexes[:step]], attributes[name])
            changes += [f"adds {index['IndexName']} to {name}" for index in indexes[step - 1 : step]]
        steps.append(Update(template, tuple(changes), new=False))
    for step in range(1, max(_longest(dropped), 1) + 1):
        template, changes = copy.deepcopy(target), []
        for name, indexes in dropped.items():
            if indexes[step:]:
                _put(template, name, [*_indexes(then[name]).values(), *indexes[step:]], attributes[name])
            changes += [f"drops {index['IndexName']} from {name}" for index in indexes[step - 1 : step]]
        steps.append(Update(template, tuple(changes), new=True))
    return steps


def _tables(template: Template) -> dict[str, dict[str, Any]]:
    resources = template["Resources"].items()
    return {name: resource["Properties"] for name, resource in resources if resource["Type"] == TABLE}


def _indexes(table: dict[str, Any]) -> dict[str, Index]:
    return {index["IndexName"]: index for index in table.get(INDEXES, ())}


def _attributes(table: dict[str, Any]) -> dict[str, str]:
    return {each["AttributeName"]: each["AttributeType"] for each in table[ATTRIBUTES]}


def _only_in(table: dict[str, Any], other: dict[str, Any]) -> list[Index]:
    return [index for name, index in _indexes(table).items() if name not in _indexes(other)]


def _longest(indexes: dict[str, list[Index]]) -> int:
    return max((len(each) for each in indexes.values()), default=0)


def _check(name: str, current: dict[str, Any], then: dict[str, Any]) -> None:
    if current[KEYS] != then[KEYS]:
        raise CannotUpdate(f"the key of {name} differs from the deployed one: make it a table of another name")
    mine, theirs = _attributes(then), _attributes(current)
    for attribute in sorted(set(mine) & set(theirs)):
        if mine[attribute] != theirs[attribute]:
            raise CannotUpdate(f"{attribute} of {name} was of another type: give the attribute another name")
    for index in sorted(set(_indexes(current)) & set(_indexes(then))):
        if _indexes(current)[index] != _indexes(then)[index]:
            raise CannotUpdate(f"{index} of {name} differs from the deployed one: give the index another name")


def _put(template: Template, name: str, indexes: list[Index], types: dict[str, str]) -> None:
    """Give the table these indexes, and define the attributes of its keys, which have to be exactly those."""
    table = template["Resources"][name]["Properties"]
    keys = [*table[KEYS], *(key for index in indexes for key in index[KEYS])]
    used = sorted({key["AttributeName"] for key in keys})
    table[ATTRIBUTES] = [{"AttributeName": each, "AttributeType": types[each]} for each in used]
    if indexes:
        table[INDEXES] = indexes
