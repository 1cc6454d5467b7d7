"""The distribution's template: where each route goes, what is forwarded and cached, who the APIs answer."""

import json
import re
from fnmatch import fnmatchcase
from typing import Any

import pytest

from app import app
from chalicelib.core.discovery import all_endpoints
from chalicelib.core.endpoints import Endpoint
from infra.gateway import gateway_template
from infra.limits import BEHAVIORS
from infra.stacks import stacks

Templates = dict[str, Any]
NO_CACHING = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
"""AWS's policy CachingDisabled."""
ALL_BUT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
"""AWS's policy AllViewerExceptHostHeader."""
ORIGINS = 25
"""AWS's quota for a distribution."""


@pytest.fixture(scope="module")
def endpoints() -> list[Endpoint]:
    return all_endpoints()


@pytest.fixture(scope="module")
def templates(endpoints: list[Endpoint]) -> Templates:
    """All stacks of dev, as they are written."""
    made: Templates = json.loads(json.dumps(stacks(app, endpoints, "dev")))
    return made


@pytest.fixture(scope="module")
def config(templates: Templates) -> dict[str, Any]:
    found: dict[str, Any] = templates["distribution"]["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
    return found


def behaviors(config: dict[str, Any]) -> list[dict[str, Any]]:
    """All of them, the default one last, as CloudFront looks at them."""
    return [*config["CacheBehaviors"], {"PathPattern": "*", **config["DefaultCacheBehavior"]}]


def origin_of(config: dict[str, Any], path: str) -> str:
    return next(str(each["TargetOriginId"]) for each in behaviors(config) if fnmatchcase(path, each["PathPattern"]))


def bodies(templates: Templates) -> dict[str, dict[str, Any]]:
    found = {name.removeprefix("api-"): each for name, each in templates.items() if name.startswith("api-")}
    return {api: each["Resources"]["RestApi"]["Properties"]["Body"] for api, each in found.items()}


def passed(templates: Templates, stack: str, parameter: str) -> Any:
    return templates["root"]["Resources"][stack]["Properties"]["Parameters"][parameter]


def test_every_route_falls_to_exactly_one_api(
    config: dict[str, Any], templates: Templates, endpoints: list[Endpoint]
) -> None:
    for route in (route for endpoint in endpoints for route in endpoint.routes):
        (api,) = [api for api, body in bodies(templates).items() if route.path in body["paths"]]
        assert route.method.lower() in bodies(templates)[api]["paths"][route.path]
        for value in ("0", "app", "Zoë", "%2F"):
            assert origin_of(config, re.sub(r"{\w+}", value, route.path)) == api, route.path


def test_each_origin_is_the_api_of_its_name_locked_by_the_key(config: dict[str, Any], templates: Templates) -> None:
    origins = {each["Id"]: each for each in config["Origins"]}
    assert set(origins) == {*bodies(templates), "web"}
    for api in bodies(templates):
        origin = origins[api]
        (parameter,) = re.findall(r"^\${(\w+)}\.execute-api\.", origin["DomainName"]["Fn::Sub"])
        (source, output) = passed(templates, "DistributionStack", parameter)["Fn::GetAtt"]
        assert templates["root"]["Resources"][source]["Properties"]["TemplateURL"] == f"api-{api}.json"
        assert templates[f"api-{api}"]["Outputs"][output.removeprefix("Outputs.")]["Value"] == {"Ref": "RestApi"}
        assert origin["OriginPath"] == "/dev"
        assert origin["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
        (header,) = origin["OriginCustomHeaders"]
        assert header["HeaderName"] == "x-api-key"
        assert header["HeaderValue"] == {"Fn::If": ["SendsB", {"Ref": "OriginKeyB"}, {"Ref": "OriginKeyA"}]}


def test_what_goes_to_apis_is_whole_and_never_cached(config: dict[str, Any]) -> None:
    to_apis = [each for each in behaviors(config) if each["TargetOriginId"] != "web"]
    for each in to_apis:
        assert (each["CachePolicyId"], each["OriginRequestPolicyId"]) == (NO_CACHING, ALL_BUT_HOST)
        assert each["ViewerProtocolPolicy"] == "https-only"
        assert set(each["AllowedMethods"]) == {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"}
        assert "ForwardedValues" not in each
    kept = {each["ErrorCode"]: each for each in config["CustomErrorResponses"]}
    # Those that CloudFront caches by itself, and those it does when a header asks for it.
    assert {404, 414, 500, 501, 502, 503, 504} | {400, 403, 405} == set(kept)
    assert all(set(each) == {"ErrorCode", "ErrorCachingMinTTL"} for each in kept.values())
    assert {each["ErrorCachingMinTTL"] for each in kept.values()} == {0}


def test_behaviors_are_within_the_quota_and_leave_room_for_the_web_face(config: dict[str, Any]) -> None:
    assert len(behaviors(config)) <= BEHAVIORS
    assert len(config["Origins"]) <= ORIGINS
    for path in ("/app/", "/app/index.html", "/widget/booking.js"):
        assert origin_of(config, path) == "web"
    patterns = [each["PathPattern"] for each in behaviors(config)]
    assert len(patterns) == len(set(patterns))


def test_every_method_wants_the_key_and_the_plan_covers_every_api(templates: Templates) -> None:
    for body in bodies(templates).values():
        assert body["securityDefinitions"]["api_key"] == {"type": "apiKey", "name": "x-api-key", "in": "header"}
        for operations in body["paths"].values():
            assert all({"api_key": []} in method["security"] for method in operations.values())
    gateway = templates["gateway"]["Resources"]
    stages = {name: each["Properties"] for name, each in gateway.items() if each["Type"] == "AWS::ApiGateway::Stage"}
    planned = gateway["OriginPlan"]["Properties"]["ApiStages"]
    assert {json.dumps(each["ApiId"]) for each in planned} == {json.dumps(s["RestApiId"]) for s in stages.values()}
    assert len(planned) == len(bodies(templates))
    for each in planned:
        assert stages[each["Stage"]["Ref"]]["RestApiId"] == each["ApiId"]
    for key in ("OriginKeyA", "OriginKeyB"):
        accepted = gateway[f"{key}Accepted"]["Properties"]
        assert (accepted["Value"], accepted["Enabled"]) == ({"Ref": key}, True)
        assert "Name" not in accepted, "a key with a name cannot be replaced by one of another value"
        in_plan = gateway[f"{key}InPlan"]["Properties"]
        assert (in_plan["KeyId"], in_plan["UsagePlanId"]) == ({"Ref": f"{key}Accepted"}, {"Ref": "OriginPlan"})


def test_keys_are_shown_nowhere(templates: Templates) -> None:
    for name, template in templates.items():
        keys = {key: about for key, about in template["Parameters"].items() if key in ("OriginKeyA", "OriginKeyB")}
        assert bool(keys) is (name in ("root", "distribution", "gateway"))
        assert all(about["NoEcho"] is True and "Default" not in about for about in keys.values())
        assert "OriginKey" not in json.dumps(template.get("Outputs", {}))


def test_the_firewall_and_a_name_of_ones_own_are_switched_by_parameters(
    config: dict[str, Any], templates: Templates
) -> None:
    nothing = {"Ref": "AWS::NoValue"}
    assert config["WebACLId"] == {"Fn::If": ["HasWebAcl", {"Ref": "WebAclArn"}, nothing]}
    own = config["ViewerCertificate"]["Fn::If"]
    assert (own[0], own[2]) == ("HasCertificate", {"CloudFrontDefaultCertificate": True})
    assert (own[1]["AcmCertificateArn"], own[1]["MinimumProtocolVersion"]) == (
        {"Ref": "CertificateArn"},
        "TLSv1.2_2021",
    )
    condition, (alias,), otherwise = config["Aliases"]["Fn::If"]
    assert (condition, otherwise) == ("HasCertificate", nothing)
    assert alias == {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "PublicUrl"}]}]}
    root = templates["root"]["Parameters"]
    for name, arn, wrong in (
        (
            "WebAclArn",
            "arn:aws:wafv2:us-east-1:1:global/webacl/a/b",
            "arn:aws:wafv2:eu-central-1:1:regional/webacl/a/b",
        ),
        ("CertificateArn", "arn:aws:acm:us-east-1:1:certificate/a", "arn:aws:acm:eu-central-1:1:certificate/a"),
    ):
        assert root[name]["Default"] == ""
        assert [bool(re.fullmatch(root[name]["AllowedPattern"], each)) for each in ("", arn, wrong)] == [
            True,
            True,
            False,
        ]
    assert "CertificateArn" in json.dumps(templates["root"]["Rules"])


def test_the_bucket_is_the_distributions_alone(templates: Templates) -> None:
    resources = templates["distribution"]["Resources"]
    deny, allow = resources["WebBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert deny["Effect"] == "Deny"
    assert (allow["Action"], allow["Principal"]) == ("s3:GetObject", {"Service": "cloudfront.amazonaws.com"})
    assert allow["Condition"]["StringEquals"]["AWS:SourceArn"]["Fn::Sub"].endswith("distribution/${Distribution}")
    access = resources["WebAccess"]["Properties"]["OriginAccessControlConfig"]
    assert (access["OriginAccessControlOriginType"], access["SigningBehavior"]) == ("s3", "always")


def test_the_public_url_is_the_distributions_unless_one_is_given(templates: Templates) -> None:
    own = {"Fn::GetAtt": ["DistributionStack", "Outputs.Url"]}
    expected = {"Fn::If": ["PublicUrlGiven", {"Ref": "PublicUrl"}, own]}
    root = templates["root"]
    assert root["Parameters"]["PublicUrl"]["Default"] == ""
    assert root["Outputs"]["Url"]["Value"] == expected
    assert passed(templates, "IdentityStack", "PublicUrl") == expected
    assert templates["distribution"]["Outputs"]["Url"]["Value"] == {"Fn::Sub": "https://${Distribution.DomainName}"}


def test_what_answers_stands_before_it_is_published(templates: Templates, endpoints: list[Endpoint]) -> None:
    after = {name: _named(each) for name, each in templates["root"]["Resources"].items()}
    areas = {f"{''.join(part.title() for part in each.area.split('_'))}Stack" for each in endpoints}
    assert areas <= after["GatewayStack"]
    assert {f"{name}Stack" for name in ("ApiFront", "ApiAE", "ApiFO", "ApiPT")} <= after["DistributionStack"]
    assert all("DistributionStack" in after[area] for area in areas)
    # Nothing is published outside of the gateway's stack.
    for name, template in templates.items():
        kinds = {each["Type"] for each in template["Resources"].values()}
        assert ("AWS::ApiGateway::Deployment" in kinds) is (name == "gateway")


def test_a_changed_api_is_published_anew_and_the_others_are_not(templates: Templates) -> None:
    before = bodies(templates)
    changed = {**before, "front": {**before["front"], "paths": {}}}
    old, new = (set(gateway_template(each, "dev")["Resources"]) for each in (before, changed))
    assert len(old - new) == 1
    assert [each.startswith("FrontDeployment") for each in (*(old - new), *(new - old))] == [True, True]


def _named(resource: Any) -> set[str]:
    """Every other resource that must be there first."""
    found = set(resource.get("DependsOn", [])) if isinstance(resource, dict) else set()
    for value in resource.values() if isinstance(resource, dict) else resource if isinstance(resource, list) else ():
        found |= _named(value)
    if isinstance(resource, dict) and "Fn::GetAtt" in resource:
        found.add(resource["Fn::GetAtt"][0])
    return found
