"""CloudFormation intrinsics: names and ARNs of a stage as templates write them, and the same as plain text."""

import re
from typing import Any

from chalicelib.core.settings import sqs_name

Resource = dict[str, Any]
Template = dict[str, Any]
_VARIABLE = re.compile(r"\$\{([A-Za-z0-9:.]+)\}")


def sub(text: str) -> dict[str, str]:
    """`text` with its `${…}` filled in by CloudFormation."""
    return {"Fn::Sub": text}


def named(name: str) -> dict[str, str]:
    """The stage's table, queue or function `name`, as `settings()` names it too."""
    return sub(f"${{Prefix}}-{name}")


def arn(service: str, resource: str) -> dict[str, str]:
    """The ARN of a resource of this account and region; `resource` may hold `${Prefix}`."""
    return sub(f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}")


def queue_named(lane: str) -> dict[str, str]:
    """The SQS queue of a lane (`sync.fic`), or of its dead letters (`sync.fic-dead`)."""
    return named(sqs_name(lane))


def queue_arn(lane: str) -> dict[str, str]:
    """The ARN of that queue."""
    return arn("sqs", f"${{Prefix}}-{sqs_name(lane)}")


def logical(name: str) -> str:
    """A logical id: `qa_automation-dead` is QaAutomationDead."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name))


def literal(value: Any, names: dict[str, str]) -> Any:
    """`value` with every Ref, Fn::Sub and Fn::GetAtt replaced by the text that `names` holds for it.

    An attribute stands in `names` as `Logical.Attribute`. Raises KeyError for what it does not hold.
    """
    if isinstance(value, list):
        return [literal(each, names) for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"}:
        return names[value["Ref"]]
    if set(value) == {"Fn::Sub"}:
        return _VARIABLE.sub(lambda found: names[found[1]], value["Fn::Sub"])
    if set(value) == {"Fn::GetAtt"}:
        return names[".".join(value["Fn::GetAtt"])]
    return {key: literal(each, names) for key, each in value.items()}


def referred(value: Any) -> set[str]:
    """Every name that a Ref or Fn::Sub in `value` mentions (of `Logical.Attribute` only the former)."""
    if isinstance(value, list):
        return {name for each in value for name in referred(each)}
    if not isinstance(value, dict):
        return set()
    found = {name for each in value.values() for name in referred(each)}
    if "Ref" in value:
        found.add(value["Ref"])
    if "Fn::Sub" in value:
        text = value["Fn::Sub"] if isinstance(value["Fn::Sub"], str) else value["Fn::Sub"][0]
        found |= {name.partition(".")[0] for name in _VARIABLE.findall(text)}
    return found
