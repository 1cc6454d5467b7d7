"""The API's stack: every method and path before its own Lambda, and one role to call them."""

import json
from collections.abc import Iterator
from typing import Any

from chalicelib.core.endpoints import Endpoint
from infra.functions import LOG_DAYS
from infra.gateway_responses import gateway_responses
from infra.intrinsics import Resource, Template, arn, sub
from infra.policies import function_name

API = "RestAPI"
REQUESTS_PER_SECOND = {"dev": 50, "prod": 500}
BURST = {"dev": 100, "prod": 1_000}
ACCESS_LOG = {
    "request_id": "$context.requestId",
    "time": "$context.requestTime",
    "ip": "$context.identity.sourceIp",
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


class WithoutLambda(RuntimeError):
    """A method of a path that no endpoint declares, or that more than one does."""


def api_resources(chalices: Resource, endpoints: list[Endpoint], stage: str) -> dict[str, Resource]:
    """The API that Chalice made, rewired; `endpoints`: all of the house."""
    body = chalices["Properties"]["DefinitionBody"]
    _rewire(body, endpoints)
    body["info"] = {"title": {"Ref": "Prefix"}, "version": "1.0"}
    body["x-amazon-apigateway-gateway-responses"] = gateway_responses()
    properties = {
        **chalices["Properties"],
        "Name": {"Ref": "Prefix"},
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
    }
    rest = {"Type": "AWS::Serverless::Api", "DependsOn": ["LogAccount"], "Properties": properties}
    return {**_access_log(stage), "ApiRole": _caller(endpoints), API: rest}


def api_outputs(stage: str) -> dict[str, Any]:
    """What a deployment says about its API."""
    url = f"https://${{{API}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/{stage}"
    return {"RestApiId": {"Value": {"Ref": API}}, "EndpointUrl": {"Value": sub(url)}}


def methods(template: Template) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every method, path and its integration of an API's template, preflights left out."""
    for resource in template["Resources"].values():
        body = resource["Properties"].get("Body") if resource["Type"] == "AWS::ApiGateway::RestApi" else None
        for path, operations in (body or {}).get("paths", {}).items():
            for verb, method in operations.items():
                if verb != "options":
                    yield verb.upper(), path, method["x-amazon-apigateway-integration"]


def _rewire(body: dict[str, Any], endpoints: list[Endpoint]) -> None:
    served: dict[tuple[str, str], Endpoint] = {}
    for endpoint in endpoints:
        for route in endpoint.routes:
            if (route.method, route.path) in served:
                raise WithoutLambda(f"{route.method} {route.path} is declared twice")
            served[route.method, route.path] = endpoint
    for path, operations in body["paths"].items():
        for verb, method in operations.items():
            if verb == "options":
                continue
            if (verb.upper(), path) not in served:
                raise WithoutLambda(f"{verb.upper()} {path} is of Chalice's making: declare it with a Function")
            _point(method, served[verb.upper(), path])
    for scheme in body.get("securityDefinitions", {}).values():
        front = scheme.get("x-amazon-apigateway-authorizer")
        if front:
            (guard,) = (endpoint for endpoint in endpoints if endpoint.kind == "authorizer")
            front["authorizerUri"] = _uri(guard)
            front["authorizerCredentials"] = {"Fn::GetAtt": ["ApiRole", "Arn"]}


def _point(method: dict[str, Any], endpoint: Endpoint) -> None:
    # What API Gateway makes nothing of for a proxy would be two thirds of the body; /openapi.json describes the API.
    for noise in ("consumes", "produces", "responses", "summary", "description"):
        method.pop(noise, None)
    method["x-amazon-apigateway-integration"] = {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "uri": _uri(endpoint),
        "credentials": {"Fn::GetAtt": ["ApiRole", "Arn"]},
        "passthroughBehavior": "when_no_match",
    }


def _uri(endpoint: Endpoint) -> dict[str, str]:
    # By name, not by reference: the Lambdas stand in other stacks, and there are more of them than parameters allowed.
    return sub(
        "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/arn:${AWS::Partition}"
        f":lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:${{Prefix}}-{function_name(endpoint)}/invocations"
    )


def _caller(endpoints: list[Endpoint]) -> Resource:
    # One role for the API instead of a permission on every Lambda: 250 resources fewer, and below the size of a policy.
    areas = sorted({endpoint.area for endpoint in endpoints if endpoint.kind in ("route", "authorizer")})
    callable_ = [arn("lambda", f"function:${{Prefix}}-{area}-*") for area in areas]
    return _role(
        "calls",
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": callable_}],
        },
    )


def _role(name: str, document: dict[str, Any]) -> Resource:
    trust = {"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [{"PolicyName": name, "PolicyDocument": document}],
        },
    }


def _access_log(stage: str) -> dict[str, Resource]:
    push = "arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
    role = _role("", {})
    role["Properties"] |= {"Policies": [], "ManagedPolicyArns": [sub(push)]}
    # One setting per account and region, shared by every stage: it must outlive the stack that made it.
    role |= {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    del role["Properties"]["Policies"]
    fate = "Retain" if stage == "prod" else "Delete"
    return {
        "LogAccountRole": role,
        "LogAccount": {
            "Type": "AWS::ApiGateway::Account",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {"CloudWatchRoleArn": {"Fn::GetAtt": ["LogAccountRole", "Arn"]}},
        },
        "AccessLog": {
            "Type": "AWS::Logs::LogGroup",
            "DeletionPolicy": fate,
            "UpdateReplacePolicy": fate,
            "Properties": {
                "LogGroupName": sub("/aws/apigateway/${Prefix}"),
                "RetentionInDays": LOG_DAYS[stage],
            },
        },
    }
