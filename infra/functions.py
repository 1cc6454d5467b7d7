"""One endpoint's part of its stack: the Lambda as SAM takes it, its role, its log group, what wakes it."""

import json
from typing import Any

from chalicelib.core.endpoints import Endpoint
from chalicelib.core.queues import DEAD
from infra.dependencies import code_key
from infra.intrinsics import Resource, arn, logical, named, sub
from infra.policies import OUTBOX_STREAM, VAULT_KEY, function_name, policy
from infra.resources import FILES, bucket_name

LOG_DAYS = {"dev": 30, "prod": 365}
WORKERS_PER_QUEUE = 10
"""At most so many Lambdas of one queue at a time: vendors' limits are lower than what SQS would scale to."""
UNDERTAKERS_PER_QUEUE = 2
STREAM_RETRIES = 20
STREAM_SECONDS = 3_600
"""The sweep publishes what the stream gave up, so one poisonous record must not hold the others for a day."""
LONGEST_FUNCTION_NAME = 64
POLICY_NAME = "needs"
ASSUMED_BY_LAMBDA = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}


class EndpointsDiffer(RuntimeError):
    """Chalice's template and the declared endpoints do not hold the same Lambdas."""


def function_id(endpoint: Endpoint) -> str:
    """The logical id of the endpoint's Lambda in its stack."""
    return logical(endpoint.name)


def with_endpoint(chalices: Resource, endpoint: Endpoint, stage: str) -> dict[str, Resource]:
    """Chalice's SAM function `chalices` made the endpoint's own, with its role and its log group."""
    name = function_id(endpoint)
    properties = {
        **chalices["Properties"],
        "FunctionName": named(function_name(endpoint)),
        "Description": endpoint.doc.strip().partition("\n")[0][:256],
        "CodeUri": {"Bucket": {"Ref": "CodeBucket"}, "Key": {"Ref": code_key(endpoint.package)}},
        "MemorySize": endpoint.memory_mb,
        "Timeout": endpoint.timeout_seconds,
        "Tracing": "Active",
        "Role": {"Fn::GetAtt": [f"{name}Role", "Arn"]},
        "Environment": {"Variables": environment(endpoint, stage)},
    }
    events = _events(endpoint)
    if events:
        properties["Events"] = events
    return {
        f"{name}Log": {
            "Type": "AWS::Logs::LogGroup",
            "DeletionPolicy": "Retain" if stage == "prod" else "Delete",
            "UpdateReplacePolicy": "Retain" if stage == "prod" else "Delete",
            "Properties": {
                "LogGroupName": sub(f"/aws/lambda/${{Prefix}}-{function_name(endpoint)}"),
                "RetentionInDays": LOG_DAYS[stage],
            },
        },
        f"{name}Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": ASSUMED_BY_LAMBDA,
                "Policies": [{"PolicyName": POLICY_NAME, "PolicyDocument": policy(endpoint)}],
            },
        },
        # The log group first: a Lambda that is called earlier would make one that is kept for ever.
        name: {"Type": "AWS::Serverless::Function", "DependsOn": [f"{name}Log"], "Properties": properties},
    }


def environment(endpoint: Endpoint, stage: str) -> dict[str, Any]:
    """What `settings()` reads, and what names the Lambda in logs and metrics."""
    needs = endpoint.needs
    return {
        "PILOT_STAGE": stage,
        "PILOT_PREFIX": {"Ref": "Prefix"},
        "PILOT_QUEUE_BASE_URL": sub("https://sqs.${AWS::Region}.${AWS::URLSuffix}/${AWS::AccountId}"),
        "PILOT_SECRETS_FROM": "ssm",
        "PILOT_PUBLIC_URL": {"Ref": "PublicUrl"},
        "PILOT_MAIL_FROM": sub("PilotPractice <no-reply@${MailDomain}>"),
        "PILOT_LOG_LEVEL": {"Ref": "LogLevel"},
        "PILOT_OPS_MAIL": {"Ref": "OpsMail"},
        "PILOT_DEFAULT_COMPANY": {"Ref": "DefaultCompany"},
        "RETELL_BASE_URL": {"Ref": "RetellBaseUrl"},
        "CALCOM_BASE_URL": {"Ref": "CalcomBaseUrl"},
        "TWILIO_BASE_URL": {"Ref": "TwilioBaseUrl"},
        "FIC_BASE_URL": {"Ref": "FicBaseUrl"},
        "FIC_OAUTH_URL": {"Ref": "FicOauthUrl"},
        "FIC_WEBHOOK_PUBLIC_KEY": {"Ref": "FicWebhookPublicKey"},
        "POWERTOOLS_SERVICE_NAME": function_name(endpoint),
        "POWERTOOLS_METRICS_NAMESPACE": "PilotPractice",
        **(_files() if needs.files() or endpoint.area == FILES else {}),
        "PILOT_CHAT_WAITERS": {"Ref": "ChatWaiters"},
        "PILOT_TRAVEL_PROVIDER": {"Ref": "TravelProvider"},
        "PILOT_OFFERS_URL": {"Ref": "OffersUrl"},
        **({"PILOT_VAULT_KEY": {"Ref": VAULT_KEY}} if needs.vault else {}),
    }


def _files() -> dict[str, Any]:
    return {
        "PILOT_FILES_BUCKET": sub(bucket_name(FILES)),
        "PILOT_FILES_CAP_GB": {"Ref": "FilesCapGb"},
        "PILOT_FILES_SCANNER": {"Ref": "FilesScanner"},
    }


def _events(endpoint: Endpoint) -> dict[str, Any]:
    if endpoint.kind == "queue":
        return {"Queue": _event("SQS", _queue(endpoint))}
    if endpoint.kind == "stream":
        return {"Outbox": _event("DynamoDB", _stream(endpoint))}
    if endpoint.kind == "schedule":
        return {"Schedule": _event("Schedule", {"Schedule": endpoint.schedule})}
    return {}


def _event(kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def _queue(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "Queue": arn("sqs", f"${{Prefix}}-{endpoint.queue}{DEAD if endpoint.dead else ''}"),
        "BatchSize": endpoint.batch_size,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": UNDERTAKERS_PER_QUEUE if endpoint.dead else WORKERS_PER_QUEUE},
    }


def _stream(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "Stream": {"Ref": OUTBOX_STREAM},
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": endpoint.batch_size,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": STREAM_RETRIES,
        "MaximumRecordAgeInSeconds": STREAM_SECONDS,
        # Taking `pending` off an event is a change too; being woken by it would double the relay's invocations.
        "FilterCriteria": {"Filters": [{"Pattern": json.dumps({"eventName": ["INSERT"]})}]},
    }
