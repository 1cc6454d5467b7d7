"""The root's data resources: tables derived from the rows, queues from their names, the bucket and the vault's key."""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from chalicelib.core.discovery import all_endpoints
from chalicelib.core.endpoints import Endpoint
from chalicelib.core.queues import DEAD, NAMED_QUEUES
from chalicelib.core.rows import CORE_ROWS
from chalicelib.core.tables import Row
from infra.intrinsics import Resource, literal, logical, named, sub

CHALICELIB = Path(__file__).resolve().parents[1] / "chalicelib"
MOST_RECEIVES = 20
"""Above the attempts of any job: a worker gives up by itself, with a reason; this is for messages that kill it."""
DEAD_DAYS = 14
KEEP_DAYS = 4
VISIBILITY_FACTOR = 6
"""AWS's advice: a message comes back only after its Lambda was throttled and tried again for a while."""
VAULT_KEY_ID = "VaultKey"
BUCKET_ID = "FilesBucket"
FILES = "files"
INCOMING_DAYS = 2
"""Longer than anything that was uploaded waits to be looked at."""
LONGEST_CONSUMER_SECONDS = 60
"""Assumed for a queue whose consumer is not written yet."""


@cache
def all_rows() -> tuple[type[Row], ...]:
    """Every row of the house: core's and each area's; what tests declare is not of the house."""
    for path in sorted(CHALICELIB.glob("*/*tables.py")):
        if path.parent.name != "core":
            import_module(f"chalicelib.{path.parent.name}.{path.stem}")
    found = {*CORE_ROWS, *(row for row in _below(Row) if row.__module__.startswith("chalicelib."))}
    return tuple(sorted((row for row in found if "table" in vars(row)), key=lambda row: (row.table.name, row.__name__)))


def _below(row: type[Row]) -> set[type[Row]]:
    return {each for direct in row.__subclasses__() for each in (direct, *_below(direct))}


def rows_by_table() -> dict[str, list[type[Row]]]:
    """The rows of each table, by its name."""
    found: dict[str, list[type[Row]]] = {}
    for row in all_rows():
        found.setdefault(row.table.name, []).append(row)
    return found


@cache
def indexes_of(table: str) -> tuple[str, ...]:
    """Names of the table's global secondary indexes, sorted; raises KeyError when there is no such table."""
    return tuple(sorted({name for row in rows_by_table()[table] for name in _indexes(row)}))


def table_id(name: str) -> str:
    """The logical id of a table."""
    return f"{logical(name)}Table"


def queue_id(name: str) -> str:
    """The logical id of a queue (`sync`) or of its dead-letter queue (`sync-dead`)."""
    return f"{logical(name)}Queue"


def stream_table() -> str:
    """The logical id of the one table with a stream, the outbox."""
    (name,) = (name for name, rows in rows_by_table().items() if any(row.table.stream for row in rows))
    return table_id(name)


def data_resources(stage: str, consumers: tuple[Endpoint, ...] | None = None) -> dict[str, Resource]:
    """Every table and queue, the bucket of files and the vault's key.

    `consumers`: the queues' endpoints, whose timeouts decide how long a message stays hidden.
    """
    if consumers is None:
        consumers = tuple(all_endpoints("functions.queues"))
    timeouts = {
        (endpoint.queue, endpoint.dead): endpoint.timeout_seconds for endpoint in consumers if endpoint.kind == "queue"
    }
    resources = {table_id(name): _table(name, rows, stage) for name, rows in rows_by_table().items()}
    for name in NAMED_QUEUES:
        resources |= _queues(
            name,
            timeouts.get((name, False), LONGEST_CONSUMER_SECONDS),
            timeouts.get((name, True), LONGEST_CONSUMER_SECONDS),
        )
    return resources | _files(stage) | _vault(stage)


def literal_resources(prefix: str, stage: str) -> dict[str, Any]:
    """The same with plain names, for one machine without CloudFormation."""
    resources = data_resources(stage)
    names = {
        "Prefix": prefix,
        "AWS::Partition": "aws",
        "AWS::AccountId": "000000000000",
        "AWS::Region": "eu-central-1",
        VAULT_KEY_ID: VAULT_KEY_ID,
        BUCKET_ID: BUCKET_ID,
    }
    for name in NAMED_QUEUES:
        # Whoever creates the queues puts in its own region and account.
        names[f"{queue_id(name + DEAD)}.Arn"] = f"arn:aws:sqs:eu-central-1:000000000000:{prefix}-{name}{DEAD}"
    resolved: dict[str, Any] = literal(resources, names)
    return resolved


def _table(name: str, rows: list[type[Row]], stage: str) -> Resource:
    attributes: dict[str, str] = {}
    indexes: dict[str, Any] = {}
    for row in rows:
        attributes |= {a["AttributeName"]: a["AttributeType"] for a in row._get_schema()["attribute_definitions"]}
        indexes |= _indexes(row)
    properties: dict[str, Any] = {
        "TableName": named(name),
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": k, "AttributeType": v} for k, v in sorted(attributes.items())],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS"},
        "DeletionProtectionEnabled": stage == "prod",
    }
    if indexes:
        properties["GlobalSecondaryIndexes"] = [indexes[key] for key in sorted(indexes)]
    if any(row.table.ttl for row in rows):
        properties["TimeToLiveSpecification"] = {"AttributeName": "expires_at", "Enabled": True}
    if any(row.table.stream for row in rows):
        properties["StreamSpecification"] = {"StreamViewType": "NEW_IMAGE"}
    fate = "Retain" if stage == "prod" else "Delete"
    return {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": fate,
        "UpdateReplacePolicy": fate,
        "Properties": properties,
    }


def bucket_name(name: str) -> str:
    """A bucket's name, for Fn::Sub: buckets share one namespace with the whole world, and the account makes it ours."""
    return f"${{Prefix}}-{name}-${{AWS::AccountId}}-${{AWS::Region}}"


def bucket_arn(name: str) -> str:
    """The bucket's ARN, for Fn::Sub."""
    return f"arn:${{AWS::Partition}}:s3:::{bucket_name(name)}"


def closed_bucket(
    bucket_id: str, name: str, stage: str, statements: list[dict[str, Any]], **properties: Any
) -> dict[str, Resource]:
    """A bucket that nobody reaches in clear or without a right; `statements`: who else its policy lets in."""
    fate = "Retain" if stage == "prod" else "Delete"
    kept = {"DeletionPolicy": fate, "UpdateReplacePolicy": fate}
    blocked = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    in_clear = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [sub(bucket_arn(name)), sub(f"{bucket_arn(name)}/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    encryption = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    return {
        bucket_id: {
            "Type": "AWS::S3::Bucket",
            **kept,
            "Properties": {
                "BucketName": sub(bucket_name(name)),
                "PublicAccessBlockConfiguration": dict.fromkeys(blocked, True),
                "BucketEncryption": {"ServerSideEncryptionConfiguration": [encryption]},
                **properties,
            },
        },
        f"{bucket_id}Policy": {
            "Type": "AWS::S3::BucketPolicy",
            **kept,
            "Properties": {
                "Bucket": {"Ref": bucket_id},
                "PolicyDocument": {"Version": "2012-10-17", "Statement": [in_clear, *statements]},
            },
        },
    }


def _files(stage: str) -> dict[str, Resource]:
    """The bucket of files. Browsers reach it by signed links alone."""
    rule = {
        "AllowedMethods": ["GET", "PUT"],
        "AllowedOrigins": ["*"],
        "AllowedHeaders": ["content-type", "if-none-match"],
        "MaxAge": 600,
    }
    # What is put by a link and taken lies in another folder by then; the rest nobody asks for.
    gone = {"Id": "incoming", "Prefix": "incoming/", "Status": "Enabled", "ExpirationInDays": INCOMING_DAYS}
    rules = {"LifecycleConfiguration": {"Rules": [gone]}, "CorsConfiguration": {"CorsRules": [rule]}}
    return closed_bucket(BUCKET_ID, FILES, stage, [], **rules)


def _vault(stage: str) -> dict[str, Resource]:
    """The key of vendors' credentials. Its policy leaves it to IAM who may use it: the roles that need it."""
    fate = "Retain" if stage == "prod" else "Delete"
    account = sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")
    statement = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "kms:*", "Resource": "*"}
    return {
        VAULT_KEY_ID: {
            "Type": "AWS::KMS::Key",
            "DeletionPolicy": fate,
            "UpdateReplacePolicy": fate,
            "Properties": {
                "Description": "Encrypts the credentials that companies gave us for their vendors' accounts",
                "EnableKeyRotation": True,
                "KeyPolicy": {"Version": "2012-10-17", "Statement": [statement]},
            },
        },
        "VaultAlias": {
            "Type": "AWS::KMS::Alias",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
            "Properties": {"AliasName": sub("alias/${Prefix}-vault"), "TargetKeyId": {"Ref": VAULT_KEY_ID}},
        },
    }


def _indexes(row: type[Row]) -> dict[str, Any]:
    return {
        found["index_name"]: {
            "IndexName": found["index_name"],
            "KeySchema": sorted(found["key_schema"], key=lambda key: str(key["KeyType"])),
            "Projection": found["projection"],
        }
        for found in row._get_schema()["global_secondary_indexes"]
    }


def _queues(name: str, timeout: int, dead_timeout: int) -> dict[str, Resource]:
    dead = f"{name}{DEAD}"
    redrive = {
        "deadLetterTargetArn": {"Fn::GetAtt": [queue_id(dead), "Arn"]},
        "maxReceiveCount": MOST_RECEIVES,
    }
    return {
        queue_id(dead): _queue(dead, DEAD_DAYS, dead_timeout),
        queue_id(name): _queue(name, KEEP_DAYS, timeout, RedrivePolicy=redrive),
    }


def _queue(name: str, days: int, timeout: int, **more: Any) -> Resource:
    properties = {
        "QueueName": named(name),
        "MessageRetentionPeriod": days * 86_400,
        "VisibilityTimeout": VISIBILITY_FACTOR * timeout,
        "SqsManagedSseEnabled": True,
        **more,
    }
    return {
        "Type": "AWS::SQS::Queue",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": properties,
    }
