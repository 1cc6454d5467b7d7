"""What AWS allows of a stack, an API and an account, measured on the templates and enforced before any upload."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from infra.intrinsics import Template
from infra.zipping import Zip

RESOURCES = 500
PARAMETERS = 200
OUTPUTS = 200
TEMPLATE_BYTES = 1_000_000
DISTRIBUTION = "AWS::CloudFront::Distribution"
POLICY_CHARACTERS = 10_240
"""All inline policies of one role together."""
PATH_NODES = 280
"""API Gateway gives 300 resources to an API; twenty stay free."""
BEHAVIORS = 25
"""Of a distribution, the default one included: what every account has; AWS gives more on request."""
ROLES = 1_000
"""Of an account; it also holds what is not ours, but every stage counts."""
STACK_RESOURCES = 2_500
"""Of one operation on a stack and all those nested in it."""
UNZIPPED_BYTES = 250 * 1024 * 1024


class OverLimit(RuntimeError):
    """Deploying this would be refused; the message names every limit and what exceeds it."""


@dataclass(frozen=True)
class StackSize:
    """What a stack's template holds."""

    name: str
    resources: int
    roles: int
    parameters: int
    outputs: int
    template_bytes: int
    path_nodes: int
    behaviors: int
    longest_policy: int


def serialized(template: Template) -> str:
    """The template as it is written; keys sorted, so that equal templates are equal files."""
    return json.dumps(template, sort_keys=True, indent=1) + "\n"


def measure(name: str, template: Template) -> StackSize:
    """The figures of one stack."""
    resources = template["Resources"]
    roles = [each for each in resources.values() if each["Type"] == "AWS::IAM::Role"]
    policies = [role["Properties"].get("Policies", []) for role in roles]
    return StackSize(
        name,
        len(resources),
        len(roles),
        len(template.get("Parameters", {})),
        len(template.get("Outputs", {})),
        len(serialized(template).encode()),
        len(path_nodes(template)),
        _behaviors(template),
        # Intrinsics are longer than what they become, so this errs on the safe side.
        max((len(json.dumps(each)) for each in policies), default=0),
    )


def path_nodes(template: Template) -> set[str]:
    """Every node of the API's tree of paths, its root included: each is a resource to API Gateway."""
    nodes: set[str] = set()
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::ApiGateway::RestApi":
            nodes.add("/")
            for path in resource["Properties"]["Body"]["paths"]:
                parts = path.strip("/").split("/")
                nodes |= {"/" + "/".join(parts[: count + 1]) for count in range(len(parts)) if parts[0]}
    return nodes


def _behaviors(template: Template) -> int:
    found = (each["Properties"] for each in template["Resources"].values() if each["Type"] == DISTRIBUTION)
    return sum(1 + len(each["DistributionConfig"]["CacheBehaviors"]) for each in found)


def check(sizes: list[StackSize], zips: Collection[Zip] = ()) -> None:
    """Raise OverLimit unless everything is within the limits."""
    faults = [fault for size in sizes for fault in _faults(size)]
    faults += _above("all stacks", "roles", sum(size.roles for size in sizes), ROLES)
    faults += _above("all stacks", "resources", sum(size.resources for size in sizes), STACK_RESOURCES)
    for each in zips:
        faults += _above(each.path.name, "unzipped bytes", each.unzipped_bytes, UNZIPPED_BYTES)
    if faults:
        raise OverLimit("; ".join(faults))


def _faults(size: StackSize) -> Iterator[str]:
    where = f"stack {size.name}"
    yield from _above(where, "resources (split the area)", size.resources, RESOURCES)
    yield from _above(where, "parameters", size.parameters, PARAMETERS)
    yield from _above(where, "outputs", size.outputs, OUTPUTS)
    yield from _above(where, "template bytes", size.template_bytes, TEMPLATE_BYTES)
    yield from _above(where, "path nodes (avoid prefixes without methods)", size.path_nodes, PATH_NODES)
    yield from _above(where, "cache behaviors", size.behaviors, BEHAVIORS)
    yield from _above(where, "characters in a role's policies", size.longest_policy, POLICY_CHARACTERS)


def _above(where: str, what: str, found: int, limit: int) -> list[str]:
    return [f"{where}: {found:,} {what}, at most {limit:,}"] if found > limit else []


def table(sizes: list[StackSize], zips: Collection[Zip] = ()) -> str:
    """The figures as text, a line for each stack, then the sums."""
    heads = ("stack", "resources", "roles", "parameters", "path nodes", "policy chars", "template bytes")
    rows = [
        (s.name, s.resources, s.roles, s.parameters, s.path_nodes or "", s.longest_policy or "", s.template_bytes)
        for s in sizes
    ]
    added = [(s.resources, s.roles, s.template_bytes) for s in sizes]
    resources, roles, size = (sum(column) for column in zip(*added, strict=True))
    sums = ("sum", resources, roles, "", "", "", size)
    limits = ("limit", RESOURCES, ROLES, PARAMETERS, PATH_NODES, POLICY_CHARACTERS, TEMPLATE_BYTES)
    lines = [_line(row) for row in (heads, *rows, sums, limits)]
    lines += [
        f"{each.path.name}: {each.zip_bytes:,} bytes, {each.unzipped_bytes:,} unzipped"
        f" (at most {UNZIPPED_BYTES:,}), sha256 {each.digest[:16]}"
        for each in zips
    ]
    return "\n".join(lines)


def _line(cells: tuple[object, ...]) -> str:
    first, *rest = (f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells)
    return f"{first:<12}" + "".join(f"{cell:>15}" for cell in rest)
