"""The shape of what lies in `.local/`: data of another one is not opened, and who starts is told how to begin anew."""

import json
from pathlib import Path
from typing import Any

from infra.local.environment import write_private

SHAPE = 1
"""To be raised with a change after which older data cannot be read: of an attribute, a document, the parts of a key."""
FILE = "shape.json"
DATA = "aws"
"""The folder of the embedded AWS's state."""


class OtherShape(RuntimeError):
    """The data were made by another version of the house; the message says what to do."""


def check(folder: Path) -> None:
    """Compare what `folder` says of its data with what this version stores, then say it anew; raises OtherShape."""
    from infra.resources import literal_resources  # with the whole house, which `make run` imports only now

    now = {"shape": SHAPE, "tables": tables(literal_resources("pilot-local", "local"))}
    if any((folder / DATA).glob("*")):
        differing = differences(_noted(folder / FILE), now)
        if differing:
            raise OtherShape(
                f"the data in {folder} are of another version of PilotPractice ({differing[0]}), and this one cannot "
                "read them. `make reset` forgets them, and the next `make run` begins anew; to keep them, go back to "
                f"the version that made them, or move {folder} away."
            )
    write_private(folder / FILE, json.dumps(now, indent=1) + "\n")


def differences(noted: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What keeps data of the shape `noted` from being opened as `now`; tables and indexes that are missing do not."""
    if noted.get("shape") != now["shape"]:
        return [f"shape {noted.get('shape', 'unknown')} instead of {now['shape']}"]
    return [
        f"{table} has another {name}"
        for table, keys in noted["tables"].items()
        for name, described in keys.items()
        if described != now["tables"].get(table, {}).get(name, described)
    ]


def tables(resources: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By table: its key and each of its indexes, which can be added to a table but never changed."""
    found = {}
    for each in resources.values():
        if each["Type"] == "AWS::DynamoDB::Table":
            properties = each["Properties"]
            indexes = {index["IndexName"]: index for index in properties.get("GlobalSecondaryIndexes", ())}
            stream = properties.get("StreamSpecification")
            found[properties["TableName"]] = {"key": properties["KeySchema"], "stream": stream, **indexes}
    return found


def _noted(file: Path) -> dict[str, Any]:
    try:
        noted: dict[str, Any] = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return noted
