"""Creates on the embedded AWS the tables, queues, bucket and key that the root template describes, where missing."""

import json
from contextlib import suppress
from typing import Any

from chalicelib.core import aws
from chalicelib.core.queues import DEAD
from chalicelib.core.settings import settings
from infra.resources import literal_resources


def provision(*, expiry: bool = True) -> list[str]:
    """Create what is missing; returns the names of what it made. Safe to run again.

    `expiry` False: nothing expires by the emulator's clock, for whoever lives by another one.
    """
    resources = literal_resources(settings().prefix, settings().stage)
    _sender()
    return _tables(resources, expiry) + _queues(resources) + _buckets(resources) + _keys(resources)


def _sender() -> None:
    # SES sends only in the name of an identity it knows; deployed stages verify theirs once, by hand.
    domain = settings().mail_from.partition("@")[2].rstrip(">")
    client = aws.client("sesv2")
    with suppress(client.exceptions.AlreadyExistsException):
        client.create_email_identity(EmailIdentity=domain)


def _tables(resources: dict[str, Any], expiry: bool) -> list[str]:
    client = aws.client("dynamodb")
    existing = set(client.list_tables()["TableNames"])
    made = []
    for properties in _of_type(resources, "AWS::DynamoDB::Table"):
        name = properties["TableName"]
        if name in existing:
            made += _indexes(client, properties)
            continue
        client.create_table(**_table_request(properties))
        ttl = properties.get("TimeToLiveSpecification")
        if ttl and expiry:
            client.update_time_to_live(
                TableName=name, TimeToLiveSpecification={"AttributeName": ttl["AttributeName"], "Enabled": True}
            )
        made.append(name)
    return made


def _indexes(client: Any, properties: dict[str, Any]) -> list[str]:
    # A table that was made by an older version of the house lacks the newer indexes; what lies in it is kept.
    name = properties["TableName"]
    existing = {
        each["IndexName"] for each in client.describe_table(TableName=name)["Table"].get("GlobalSecondaryIndexes", ())
    }
    missing = [each for each in properties.get("GlobalSecondaryIndexes", ()) if each["IndexName"] not in existing]
    for index in missing:  # DynamoDB takes one at a time
        keys = {key["AttributeName"] for key in index["KeySchema"]}
        client.update_table(
            TableName=name,
            AttributeDefinitions=[a for a in properties["AttributeDefinitions"] if a["AttributeName"] in keys],
            GlobalSecondaryIndexUpdates=[{"Create": index}],
        )
    return [f"{name}/{index['IndexName']}" for index in missing]


def _table_request(properties: dict[str, Any]) -> dict[str, Any]:
    # What CreateTable takes under the same names; encryption and recovery mean nothing on one machine.
    same = ("TableName", "AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
    request = {name: properties[name] for name in same if properties.get(name)}
    stream = properties.get("StreamSpecification")
    if stream:
        request["StreamSpecification"] = {"StreamEnabled": True, **stream}
    return request


def _queues(resources: dict[str, Any]) -> list[str]:
    client = aws.client("sqs")
    existing = {url.rsplit("/", 1)[1] for url in client.list_queues(MaxResults=1000).get("QueueUrls", ())}
    # Dead-letter queues first: the others name them.
    queues = sorted(_of_type(resources, "AWS::SQS::Queue"), key=lambda queue: not queue["QueueName"].endswith(DEAD))
    made = []
    for properties in queues:
        if properties["QueueName"] in existing:
            continue
        client.create_queue(QueueName=properties["QueueName"], Attributes=_queue_attributes(properties))
        made.append(properties["QueueName"])
    return made


def _buckets(resources: dict[str, Any]) -> list[str]:
    client = aws.client("s3")
    existing = {each["Name"] for each in client.list_buckets()["Buckets"]}
    made = []
    for properties in _of_type(resources, "AWS::S3::Bucket"):
        name = settings().files_bucket  # the account is in it, which tests change
        if name in existing:
            continue
        client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": settings().region})
        rules = [_cors_rule(each) for each in properties["CorsConfiguration"]["CorsRules"]]
        client.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": rules})
        made.append(name)
    return made


def _cors_rule(rule: dict[str, Any]) -> dict[str, Any]:
    return {"MaxAgeSeconds" if name == "MaxAge" else name: value for name, value in rule.items()}


def _keys(resources: dict[str, Any]) -> list[str]:
    client = aws.client("kms")
    existing = {alias["AliasName"] for alias in client.list_aliases()["Aliases"]}
    made = []
    for properties in _of_type(resources, "AWS::KMS::Alias"):
        name = properties["AliasName"]
        if name not in existing:
            key = client.create_key(Description=name)["KeyMetadata"]["KeyId"]
            client.create_alias(AliasName=name, TargetKeyId=key)
            made.append(name)
    return made


def _queue_attributes(properties: dict[str, Any]) -> dict[str, str]:
    plain = ("VisibilityTimeout", "MessageRetentionPeriod")
    attributes = {name: str(properties[name]) for name in plain if name in properties}
    if "RedrivePolicy" in properties:
        policy = dict(properties["RedrivePolicy"])
        account = settings().queue_base_url.rsplit("/", 1)[1]
        name = policy["deadLetterTargetArn"].rsplit(":", 1)[1]
        policy["deadLetterTargetArn"] = f"arn:aws:sqs:{settings().region}:{account}:{name}"
        attributes["RedrivePolicy"] = json.dumps(policy)
    return attributes


def _of_type(resources: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [resource["Properties"] for resource in resources.values() if resource["Type"] == kind]
