"""The root's data resources, derived from the code: tables from the rows, queues from the named queues."""

from importlib import import_module
from pathlib import Path
from typing import Any

from chalicelib.core.queues import DEAD, NAMED_QUEUES
from chalicelib.core.rows import CORE_ROWS
from chalicelib.core.tables import Row

CHALICELIB = Path(__file__).resolve().parents[1] / "chalicelib"
MOST_RECEIVES = 20
DEAD_DAYS = 14


def all_rows() -> list[type[Row]]:
    """Every row of the house: core's and each area's."""
    for path in sorted(CHALICELIB.glob("*/tables.py")):
        if path.parent.name != "core":
            import_module(f"chalicelib.{path.parent.name}.tables")
    return sorted({*CORE_ROWS, *Row.__subclasses__()}, key=lambda row: (row.table.name, row.__name__))


def literal_resources(prefix: str, stage: str) -> dict[str, Any]:
    """Tables and queues with literal names, for one machine."""
    resources: dict[str, Any] = {}
    by_table: dict[str, list[type[Row]]] = {}
    for row in all_rows():
        by_table.setdefault(row.table.name, []).append(row)
    for name, rows in by_table.items():
        resources[f"{name.title()}Table"] = _table(f"{prefix}-{name}", rows)
    for name in NAMED_QUEUES:
        resources |= _queue(prefix, name)
    return resources


def _table(name: str, rows: list[type[Row]]) -> dict[str, Any]:
    attributes: dict[str, str] = {}
    indexes: dict[str, Any] = {}
    for row in rows:
        schema = row._get_schema()
        attributes |= {a["AttributeName"]: a["AttributeType"] for a in schema["attribute_definitions"]}
        for found in schema["global_secondary_indexes"]:
            indexes[found["index_name"]] = {
                "IndexName": found["index_name"],
                "KeySchema": sorted(found["key_schema"], key=lambda key: key["KeyType"]),
                "Projection": found["projection"],
            }
    properties: dict[str, Any] = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": k, "AttributeType": v} for k, v in sorted(attributes.items())],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    }
    if indexes:
        properties["GlobalSecondaryIndexes"] = [indexes[key] for key in sorted(indexes)]
    if any(row.table.ttl for row in rows):
        properties["TimeToLiveSpecification"] = {"AttributeName": "expires_at", "Enabled": True}
    if any(row.table.stream for row in rows):
        properties["StreamSpecification"] = {"StreamViewType": "NEW_IMAGE"}
    return {"Type": "AWS::DynamoDB::Table", "Properties": properties}


def _queue(prefix: str, name: str) -> dict[str, Any]:
    return {
        f"{name}Dead": {
            "Type": "AWS::SQS::Queue",
            "Properties": {"QueueName": f"{prefix}-{name}{DEAD}", "MessageRetentionPeriod": DEAD_DAYS * 86400},
        },
        f"{name}Queue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "QueueName": f"{prefix}-{name}",
                "VisibilityTimeout": 360,
                "RedrivePolicy": {
                    "deadLetterTargetArn": f"arn:aws:sqs:eu-central-1:000000000000:{prefix}-{name}{DEAD}",
                    "maxReceiveCount": MOST_RECEIVES,
                },
            },
        },
    }
