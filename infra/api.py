"""The REST APIs' stacks: every method and path before its own Lambda, and for each API one role to call them."""

from typing import Any

from chalicelib.core.endpoints import Endpoint
from infra.api_split import APIS, api_of
from infra.gateway_responses import gateway_responses
from infra.intrinsics import Resource, Template, arn, named, sub
from infra.policies import function_name

API = "RestApi"
ROLE = "ApiRole"
ORIGIN_KEY = {"type": "apiKey", "name": "x-api-key", "in": "header"}
"""The header by which API Gateway knows that a request came through the distribution."""
Body = dict[str, Any]


class WithoutLambda(RuntimeError):
    """A method of a path that no endpoint declares, or that more than one does."""


def api_templates(chalices: Resource, endpoints: list[Endpoint]) -> dict[str, Template]:
    """The template of each API that has routes, cut from the one that Chalice made; `endpoints`: all of the house.

    What is made here answers nobody yet: infra/gateway.py publishes it. Raises WithoutLambda and Undecided.
    """
    whole, compression = (chalices["Properties"].get(name) for name in ("DefinitionBody", "MinimumCompressionSize"))
    served = _served(endpoints)
    _rewire(whole, served, endpoints)
    templates = {}
    for api in APIS:
        paths = {path: methods for path, methods in whole["paths"].items() if api_of(path) == api}
        if paths:
            body = {**whole, "info": {"title": named(api), "version": "1.0"}, "paths": paths}
            callees = {endpoint.area for (_, path), endpoint in served.items() if path in paths}
            callees |= {endpoint.area for endpoint in endpoints if endpoint.kind == "authorizer"}
            templates[api] = _template(api, body, callees, compression)
    return templates


def body_of(template: Template) -> Body:
    """The definition in an API's template."""
    body: Body = template["Resources"][API]["Properties"]["Body"]
    return body


def _template(api: str, body: Body, areas: set[str], compression: int | None) -> Template:
    properties: Resource = {"Name": named(api), "Body": body, "EndpointConfiguration": {"Types": ["REGIONAL"]}}
    if compression is not None:
        properties["MinimumCompressionSize"] = compression
    return {
        "Resources": {
            ROLE: _caller(areas),
            API: {"Type": "AWS::ApiGateway::RestApi", "Properties": properties},
        },
        "Outputs": {"RestApiId": {"Value": {"Ref": API}}},
    }


def _served(endpoints: list[Endpoint]) -> dict[tuple[str, str], Endpoint]:
    served: dict[tuple[str, str], Endpoint] = {}
    for endpoint in endpoints:
        for route in endpoint.routes:
            if (route.method, route.path) in served:
                raise WithoutLambda(f"{route.method} {route.path} is declared twice")
            served[route.method, route.path] = endpoint
    return served


def _rewire(body: Body, served: dict[tuple[str, str], Endpoint], endpoints: list[Endpoint]) -> None:
    for path, operations in body["paths"].items():
        for method_name, method in operations.items():
            # Preflights, too, come through the distribution alone.
            method["security"] = [*method.get("security", []), {"api_key": []}]
            if method_name == "options":
                continue
            if (method_name.upper(), path) not in served:
                raise WithoutLambda(f"{method_name.upper()} {path} is of Chalice's making: declare it with a Function")
            _point(method, served[method_name.upper(), path])
    schemes = body.setdefault("securityDefinitions", {})
    for scheme in schemes.values():
        front = scheme.get("x-amazon-apigateway-authorizer")
        if front:
            (guard,) = (endpoint for endpoint in endpoints if endpoint.kind == "authorizer")
            front["authorizerUri"] = _uri(guard)
            front["authorizerCredentials"] = {"Fn::GetAtt": [ROLE, "Arn"]}
    schemes["api_key"] = ORIGIN_KEY
    body["x-amazon-apigateway-gateway-responses"] = gateway_responses()


def _point(method: dict[str, Any], endpoint: Endpoint) -> None:
    # What API Gateway makes nothing of for a proxy would be two thirds of the body; /openapi.json describes the API.
    for noise in ("consumes", "produces", "responses", "summary", "description"):
        method.pop(noise, None)
    method["x-amazon-apigateway-integration"] = {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "uri": _uri(endpoint),
        "credentials": {"Fn::GetAtt": [ROLE, "Arn"]},
        "passthroughBehavior": "when_no_match",
    }


def _uri(endpoint: Endpoint) -> dict[str, str]:
    # By name, not by reference: the Lambdas stand in other stacks, and there are more of them than parameters allowed.
    return sub(
        "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/arn:${AWS::Partition}"
        f":lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:${{Prefix}}-{function_name(endpoint)}/invocations"
    )


def _caller(areas: set[str]) -> Resource:
    # One role for the API instead of a permission on every Lambda: 250 resources fewer, and below the size of a policy.
    callable_ = [arn("lambda", f"function:${{Prefix}}-{area}-*") for area in sorted(areas)]
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": callable_}],
    }
    return gateway_role(Policies=[{"PolicyName": "calls", "PolicyDocument": document}])


def gateway_role(**rights: Any) -> Resource:
    """A role that API Gateway assumes."""
    trust = {"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "sts:AssumeRole"}
    assumed = {"Version": "2012-10-17", "Statement": [trust]}
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": assumed, **rights}}
