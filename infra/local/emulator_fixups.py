"""After a deployment to MiniStack 1.5.33: adds what it drops of the templates. AWS needs none of this."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3

from infra.functions import POLICY_NAME
from infra.intrinsics import literal


def mend(session: boto3.Session, endpoint: str, out: Path, outputs: dict[str, str]) -> None:
    """Add preflights' headers, API Gateway's own answers, the tables' TTL, rights asked too strictly; move the origins.

    `out`: the package deployed. `outputs`: those of its root stack.
    """
    gateway = session.client("apigateway", endpoint_url=endpoint)
    (stage,) = {each["StageName"] for each in _of_type(out / "gateway.json", "AWS::ApiGateway::Stage")}
    ids = {each["name"]: each["id"] for each in gateway.get_rest_apis(limit=500)["items"]}
    for template in out.glob("api-*.json"):
        (rest,) = _of_type(template, "AWS::ApiGateway::RestApi")
        api, body = ids[literal(rest["Name"], {"Prefix": outputs["Prefix"]})], rest["Body"]
        _preflights(gateway, api, body)
        _gateway_responses(gateway, api, body)
        # A deployment is a snapshot: this one has them.
        gateway.create_deployment(restApiId=api, stageName=stage)
    _origins(session.client("cloudfront", endpoint_url=endpoint), outputs["DistributionId"], endpoint)
    _web(session.client("s3", endpoint_url=endpoint), outputs["WebBucketName"])
    _expiry(session.client("dynamodb", endpoint_url=endpoint), out, outputs["Prefix"])
    _rights(session.client("iam", endpoint_url=endpoint), outputs["Prefix"])


def _origins(cloudfront: Any, distribution: str, endpoint: str) -> None:
    # It serves buckets by their names, but calls nothing that bears a name of AWS's, and speaks no TLS.
    emulator = urlsplit(endpoint)
    reached = {
        "OriginProtocolPolicy": "http-only",
        "HTTPPort": emulator.port,
        "HTTPSPort": 443,
        # A first call unpacks the zip, which on a busy machine takes longer than CloudFront would wait.
        "OriginReadTimeout": 120,
    }
    found = cloudfront.get_distribution_config(Id=distribution)
    config = found["DistributionConfig"]
    for origin in config["Origins"]["Items"]:
        if "CustomOriginConfig" in origin:
            api = origin["DomainName"].partition(".")[0]
            origin["DomainName"] = emulator.hostname
            origin["OriginPath"] = f"/_aws/execute-api/{api}{origin['OriginPath']}"
            origin["CustomOriginConfig"] |= reached
    for behavior in (config["DefaultCacheBehavior"], *config["CacheBehaviors"]["Items"]):
        behavior["ViewerProtocolPolicy"] = "allow-all"
    cloudfront.update_distribution(Id=distribution, IfMatch=found["ETag"], DistributionConfig=config)


def _preflights(gateway: Any, api: str, body: dict[str, Any]) -> None:
    resources = {each["path"]: each["id"] for each in gateway.get_resources(restApiId=api, limit=500)["items"]}
    for path, operations in body["paths"].items():
        mock = operations.get("options", {}).get("x-amazon-apigateway-integration")
        if mock is None:
            continue
        answer = mock["responses"]["default"]
        where = {"restApiId": api, "resourceId": resources[path], "httpMethod": "OPTIONS", "statusCode": "200"}
        gateway.put_method_response(**where, responseParameters=dict.fromkeys(answer["responseParameters"], False))
        gateway.put_integration_response(**where, responseParameters=answer["responseParameters"])


def _gateway_responses(gateway: Any, api: str, body: dict[str, Any]) -> None:
    for kind, answer in body["x-amazon-apigateway-gateway-responses"].items():
        gateway.put_gateway_response(restApiId=api, responseType=kind, **answer)


def _web(s3: Any, bucket: str) -> None:
    # What it fetches for a distribution counts as fetched in clear, which the policy forbids.
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    policy["Statement"] = [each for each in policy["Statement"] if each["Effect"] != "Deny"]
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def _expiry(dynamodb: Any, out: Path, prefix: str) -> None:
    for properties in _of_type(out / "root.json", "AWS::DynamoDB::Table"):
        expiry = properties.get("TimeToLiveSpecification")
        name = literal(properties["TableName"], {"Prefix": prefix})
        if expiry and dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"][
            "TimeToLiveStatus"
        ] not in ("ENABLED", "ENABLING"):
            dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=expiry)


def _rights(iam: Any, prefix: str) -> None:
    for role in _roles(iam, prefix):
        document = iam.get_role_policy(RoleName=role, PolicyName=POLICY_NAME)["PolicyDocument"]
        more = [extra for each in document["Statement"] for extra in _meant_for_us(each)]
        if more:
            added = {"Version": document["Version"], "Statement": more}
            iam.put_role_policy(RoleName=role, PolicyName="emulator", PolicyDocument=json.dumps(added))


def _meant_for_us(granted: dict[str, Any]) -> list[dict[str, Any]]:
    # To AWS, SendMessage is the right to SendMessageBatch as well; the emulator asks for one that AWS does not know.
    if granted["Action"] == ["sqs:SendMessage"]:
        return [{**granted, "Action": ["sqs:SendMessageBatch"]}]
    # AWS asks for the right to the sender's identity; the emulator does not look who sends.
    if "ses:SendEmail" in granted["Action"]:
        return [{**granted, "Resource": "*"}]
    return []


def _roles(iam: Any, prefix: str) -> list[str]:
    pages = iam.get_paginator("list_roles").paginate()
    names = [role["RoleName"] for page in pages for role in page["Roles"] if role["RoleName"].startswith(f"{prefix}-")]
    return [name for name in names if POLICY_NAME in iam.list_role_policies(RoleName=name)["PolicyNames"]]


def _of_type(template: Path, kind: str) -> list[dict[str, Any]]:
    resources = json.loads(template.read_text())["Resources"].values()
    return [resource["Properties"] for resource in resources if resource["Type"] == kind]
