"""Botocore's data for Lambda: the services in use, of each the operations that policies can grant, without prose.

A client's creation is mostly the reading of these files.
"""

import gzip
import json
from pathlib import Path
from typing import Any

from infra.policies import CONSUMES, METRICS, READS, WRITES

OPERATIONS: dict[str, tuple[str, ...]] = {
    # A transaction is granted as its items are; ConditionCheckItem is a right, not an operation.
    "dynamodb": (
        *READS,
        *(name for name in WRITES if name != "ConditionCheckItem"),
        "TransactGetItems",
        "TransactWriteItems",
    ),
    # Of a batch, each message is granted by the right to the single one.
    "sqs": ("SendMessage", "SendMessageBatch", "ChangeMessageVisibilityBatch", *CONSUMES),
    "ssm": ("GetParameter",),
    "sesv2": ("SendEmail",),
    "kms": ("Decrypt", "Encrypt", "GenerateDataKey"),
    "s3": ("CopyObject", "DeleteObjects", "GetObject", "HeadObject", "ListObjectsV2", "PutObject"),
    "cloudwatch": METRICS,
}
PARTITION = "aws"
WHOLE = ("_retry.json", "sdk-default-configuration.json")
PROSE = ("documentation", "documentationUrl", "examples")
Json = dict[str, Any]


def slim(data: Path) -> dict[str, bytes]:
    """What replaces botocore's folder `data`: contents by path inside it."""
    files = {name: (data / name).read_bytes() for name in WHOLE}
    files["endpoints.json"] = _bytes(_endpoints(_read(data / "endpoints.json")))
    files["partitions.json"] = _bytes(_partitions(_read(data / "partitions.json")))
    for service, operations in OPERATIONS.items():
        version = max(folder for folder in (data / service).iterdir() if folder.is_dir())
        prefix = f"{service}/{version.name}"
        model = _read(version / "service-2.json.gz")
        files[f"{prefix}/service-2.json"] = _bytes(service_model(model, operations))
        files[f"{prefix}/endpoint-rule-set-1.json"] = _bytes(_read(version / "endpoint-rule-set-1.json.gz"))
    return files


def service_model(model: Json, operations: tuple[str, ...]) -> Json:
    """A service's model with only these operations and the shapes they use. Raises KeyError for an unknown one."""
    kept = {name: model["operations"][name] for name in sorted(operations)}
    shapes: Json = {}
    waiting = sorted(_mentioned(kept))
    while waiting:
        name = waiting.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            waiting += sorted(_mentioned(shapes[name]))
    slimmed: Json = _without_prose({**model, "operations": kept, "shapes": dict(sorted(shapes.items()))})
    return slimmed


def _mentioned(value: Any) -> set[str]:
    if isinstance(value, list):
        return {name for each in value for name in _mentioned(each)}
    if not isinstance(value, dict):
        return set()
    here = {value["shape"]} if isinstance(value.get("shape"), str) else set()
    return here | {name for each in value.values() for name in _mentioned(each)}


def _without_prose(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_prose(each) for each in value]
    if isinstance(value, dict):
        # A member may be called `documentation` as well: prose is text, a member is not.
        return {
            key: _without_prose(each) for key, each in value.items() if not (key in PROSE and isinstance(each, str))
        }
    return value


def _endpoints(endpoints: Json) -> Json:
    partitions = [part for part in endpoints["partitions"] if part["partition"] == PARTITION]
    # sesv2 and others are found under their endpoint prefixes.
    kept = {*OPERATIONS, "email", "monitoring"}
    return {
        **endpoints,
        "partitions": [
            {**part, "services": {name: each for name, each in part["services"].items() if name in kept}}
            for part in partitions
        ],
    }


def _partitions(partitions: Json) -> Json:
    return {**partitions, "partitions": [part for part in partitions["partitions"] if part["id"] == PARTITION]}


def _read(path: Path) -> Any:
    plain = path.read_bytes()
    return json.loads(gzip.decompress(plain) if path.suffix == ".gz" else plain)


def _bytes(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
