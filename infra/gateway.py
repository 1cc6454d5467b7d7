"""The last stack: publishes the APIs once what answers is there; throttles, access log and the distribution's keys.

A deployment of API Gateway is a snapshot: until this stack is updated, requests go where they went before.
"""

import hashlib
import json

from infra.api import Body, gateway_role
from infra.functions import LOG_DAYS
from infra.intrinsics import Resource, Template, logical, sub
from infra.parameters import ORIGIN_KEYS

REQUESTS_PER_SECOND = {"dev": 50, "prod": 500}
BURST = {"dev": 100, "prod": 1_000}
ACCESS_LOG = {
    "request_id": "$context.requestId",
    "time": "$context.requestTime",
    # CloudFront's; the visitor's address is in the Lambda's log, under the same request id.
    "edge_ip": "$context.identity.sourceIp",
    "user_agent": "$context.identity.userAgent",
    "method": "$context.httpMethod",
    # The pattern, not the path: ids and tokens in paths stay out of this log.
    "route": "$context.resourcePath",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "took_ms": "$context.responseLatency",
    "lambda_ms": "$context.integrationLatency",
    "error": "$context.error.responseType",
    "trace": "$context.xrayTraceId",
}
LOG_GROUP = "/aws/apigateway/${Prefix}"


def api_id(api: str) -> str:
    """The parameter that carries the id of an API."""
    return f"{logical(api)}ApiId"


def gateway_template(bodies: dict[str, Body], stage: str) -> Template:
    """A deployment and a stage for each API's body, and the keys without which none of them answers."""
    resources = _access_log(stage)
    for api, body in bodies.items():
        # Named by what it publishes: CloudFormation would not see that there is something new to publish.
        content = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        deployment = f"{logical(api)}Deployment{content[:10]}"
        resources[deployment] = {
            "Type": "AWS::ApiGateway::Deployment",
            "Properties": {"RestApiId": {"Ref": api_id(api)}},
        }
        resources[f"{logical(api)}Stage"] = _stage(api, deployment, stage)
    return {"Resources": resources | _keys(list(bodies))}


def _stage(api: str, deployment: str, stage: str) -> Resource:
    return {
        "Type": "AWS::ApiGateway::Stage",
        "DependsOn": ["LogAccount"],
        "Properties": {
            "RestApiId": {"Ref": api_id(api)},
            "DeploymentId": {"Ref": deployment},
            "StageName": stage,
            "TracingEnabled": True,
            "MethodSettings": [
                {
                    "ResourcePath": "/*",
                    "HttpMethod": "*",
                    "ThrottlingRateLimit": REQUESTS_PER_SECOND[stage],
                    "ThrottlingBurstLimit": BURST[stage],
                    "MetricsEnabled": True,
                    # Execution logs hold bodies, and bodies hold personal data.
                    "LoggingLevel": "OFF",
                    "DataTraceEnabled": False,
                }
            ],
            "AccessLogSetting": {
                "DestinationArn": {"Fn::GetAtt": ["AccessLog", "Arn"]},
                "Format": json.dumps(ACCESS_LOG),
            },
        },
    }


def _keys(apis: list[str]) -> dict[str, Resource]:
    stages = {api: f"{logical(api)}Stage" for api in apis}
    plan = {
        "Type": "AWS::ApiGateway::UsagePlan",
        "Properties": {
            "Description": sub("${Prefix}: whoever holds one of its keys is the distribution"),
            "ApiStages": [{"ApiId": {"Ref": api_id(api)}, "Stage": {"Ref": stages[api]}} for api in apis],
        },
    }
    resources: dict[str, Resource] = {"OriginPlan": plan}
    for key in ORIGIN_KEYS:
        # Not named by us: with a name, CloudFormation would not put a key of another value in its place.
        resources[f"{key}Accepted"] = {
            "Type": "AWS::ApiGateway::ApiKey",
            "Properties": {"Enabled": True, "Value": {"Ref": key}},
        }
        resources[f"{key}InPlan"] = {
            "Type": "AWS::ApiGateway::UsagePlanKey",
            "Properties": {
                "KeyId": {"Ref": f"{key}Accepted"},
                "KeyType": "API_KEY",
                "UsagePlanId": {"Ref": "OriginPlan"},
            },
        }
    return resources


def _access_log(stage: str) -> dict[str, Resource]:
    push = "arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
    role = gateway_role(ManagedPolicyArns=[sub(push)])
    fate = "Retain" if stage == "prod" else "Delete"
    account = {
        "Type": "AWS::ApiGateway::Account",
        "Properties": {"CloudWatchRoleArn": {"Fn::GetAtt": ["LogAccountRole", "Arn"]}},
    }
    # One setting per account and region, shared by every stage: it must outlive the stack that made it.
    outliving = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    log = {"LogGroupName": sub(LOG_GROUP), "RetentionInDays": LOG_DAYS[stage]}
    return {
        "LogAccountRole": role | outliving,
        "LogAccount": account | outliving,
        "AccessLog": {
            "Type": "AWS::Logs::LogGroup",
            "DeletionPolicy": fate,
            "UpdateReplacePolicy": fate,
            "Properties": log,
        },
    }
