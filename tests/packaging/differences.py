"""What of a stage's template is other than in another stage's, as a template of its own that can be checked alone."""

import re
from collections.abc import Iterator
from typing import Any

Template = dict[str, Any]
NAMED = re.compile(r"\$\{([A-Za-z0-9]+)[.}]")


def differences(template: Template, like: Template) -> Template | None:
    """The resources, outputs and rules that are other than in `like`, with all that they refer to; None where all is
    the same.

    Of resources of one type that differ in the same values it is the first: three hundred functions say their stage.
    """
    examples: dict[str, Any] = {}
    for name, resource in template["Resources"].items():
        other = like["Resources"].get(name)
        if other != resource:
            examples.setdefault(repr((resource["Type"], sorted(_changes(resource, other)))), name)
    others = {
        section: {name: each for name, each in entries.items() if like.get(section, {}).get(name) != each}
        for section in ("Outputs", "Rules")
        if (entries := template.get(section))
    }
    if not examples and not any(others.values()):
        return None
    return _alone(template, set(examples.values()), others)


def _alone(template: Template, changed: set[str], others: Template) -> Template:
    parts = {name: template.get(name, {}) for name in ("Resources", "Parameters", "Conditions", "Mappings")}
    new = changed | set(_names(others))
    seen: set[str] = set()
    while new:
        seen |= new
        new = set(_names([part[name] for part in parts.values() for name in new if name in part])) - seen
    kept = {name: {key: each for key, each in part.items() if key in seen} for name, part in parts.items()}
    found = template | kept | others
    return {name: section for name, section in found.items() if section}


def _changes(value: Any, other: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Where it is other, and what it is there."""
    if isinstance(value, dict) and isinstance(other, dict):
        for key in value.keys() | other.keys():
            yield from _changes(value.get(key), other.get(key), f"{path}/{key}")
    elif value != other:
        yield path, repr(value)


def _names(value: Any) -> Iterator[str]:
    """Whatever could be the name of something in the template, however it is referred to."""
    if isinstance(value, str):
        yield value.partition(".")[0]
        yield from NAMED.findall(value)
    elif isinstance(value, list):
        for each in value:
            yield from _names(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _names(each)
