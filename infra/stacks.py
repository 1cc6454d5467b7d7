"""The stacks of a stage: the root with its data and alarms, the APIs, their distribution, the areas, the gateway."""

from collections.abc import Iterable
from typing import Any

import boto3
from chalice.app import Chalice
from samtranslator.parser.parser import Parser
from samtranslator.translator.transform import to_py27_compatible_template, undo_mark_unicode_str_in_template
from samtranslator.translator.translator import Translator

from chalicelib.core.endpoints import Endpoint
from infra.alarms import TOPIC, alarm_resources
from infra.api import api_templates, body_of
from infra.distribution import distribution_template
from infra.functions import LONGEST_FUNCTION_NAME, EndpointsDiffer, with_endpoint
from infra.gateway import api_id, gateway_template
from infra.intrinsics import Resource, Template, logical, referred
from infra.parameters import PUBLIC_URL, conditions, parameters, rules
from infra.pipeline import sam_template
from infra.policies import OUTBOX_STREAM, VAULT_KEY, function_name
from infra.resources import VAULT_KEY_ID, data_resources, stream_table

SAM = "AWS::Serverless-2016-10-31"
ROOT = "root"
DISTRIBUTION = "distribution"
GATEWAY = "gateway"
SHORTEST_PREFIX = 20
"""Function names leave at least this much room for the stage's prefix."""


class NameTooLong(RuntimeError):
    """A Lambda's name would exceed what AWS accepts."""


def stacks(app: Chalice, endpoints: list[Endpoint], stage: str) -> dict[str, Template]:
    """Templates by stack, the root first; nested ones are named `<stack>.json` in it, as files beside it."""
    sam = sam_template(app, stage)
    chalices = _functions(sam, endpoints)
    apis = api_templates(sam["Resources"]["RestAPI"], endpoints)
    bodies = {api: body_of(template) for api, template in apis.items()}
    areas = sorted({endpoint.area for endpoint in endpoints})
    nested = {
        **{api_stack(api): template for api, template in apis.items()},
        DISTRIBUTION: distribution_template(list(apis), stage),
        **{
            area: _expanded(_area([each for each in endpoints if each.area == area], chalices, stage)) for area in areas
        },
        GATEWAY: gateway_template(bodies, stage),
    }
    clashing = {*map(api_stack, apis), DISTRIBUTION, GATEWAY} & set(areas)
    if clashing:
        raise EndpointsDiffer(f"areas and other stacks have the same names: {sorted(clashing)}")
    declared = parameters(_longest_prefix(endpoints), stage)
    for name, template in nested.items():
        nested[name] = _with_parameters(template, declared, apis)
    return {ROOT: _root(nested, areas, endpoints, stage), **nested}


def api_stack(api: str) -> str:
    """The name of an API's stack."""
    return f"api-{api}"


def _functions(sam: Template, endpoints: list[Endpoint]) -> dict[str, Resource]:
    found = {
        resource["Properties"]["Handler"]: resource
        for name, resource in sam["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function" and name != "APIHandler"
    }
    declared = {endpoint.handler for endpoint in endpoints}
    if set(found) != declared:
        raise EndpointsDiffer(f"not in both Chalice's template and the endpoints: {sorted(set(found) ^ declared)}")
    return found


def _area(endpoints: list[Endpoint], chalices: dict[str, Resource], stage: str) -> Template:
    resources: dict[str, Resource] = {}
    for endpoint in endpoints:
        resources |= with_endpoint(chalices[endpoint.handler], endpoint, stage)
    return {"Resources": resources}


def _expanded(template: Template) -> Template:
    whole = {"Transform": SAM, **template}
    # Change sets refuse a transform together with nested stacks, and the emulator does not expand inside them.
    to_py27_compatible_template(whole, {})
    # The region only decides the partition of managed policies, of which there are none.
    session = boto3.Session(region_name="eu-central-1")
    translator = Translator(None, Parser(), boto_session=session)
    expanded: Template = undo_mark_unicode_str_in_template(translator.translate(whole, parameter_values={}))
    # To nobody; unpublished, it complains of them when it goes.
    translator.metrics.publish()
    expanded.pop("Transform", None)
    return expanded


def _with_parameters(template: Template, declared: dict[str, dict[str, Any]], apis: Iterable[str]) -> Template:
    """A nested template with the parameters that it refers to; all of them are texts."""
    referred_to = referred(template)
    hidden = {name for name, about in declared.items() if about.get("NoEcho")}
    needed = referred_to & {*declared, *map(api_id, apis)}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": {
            name: {"Type": "String"} | ({"NoEcho": True} if name in hidden else {}) for name in sorted(needed)
        },
        **template,
    }


def _root(nested: dict[str, Template], areas: list[str], endpoints: list[Endpoint], stage: str) -> Template:
    data = data_resources(stage, tuple(endpoints))
    resources: dict[str, Any] = {**data, **alarm_resources(endpoints, stage)}
    passed = _passed(nested)
    for name, template in nested.items():
        given = {key: passed.get(key, {"Ref": key}) for key in template["Parameters"]}
        if name == DISTRIBUTION and PUBLIC_URL in given:
            given[PUBLIC_URL] = {"Ref": PUBLIC_URL}  # its own address follows from it
        stack: Resource = {
            "Type": "AWS::CloudFormation::Stack",
            "Properties": {"TemplateURL": f"{name}.json", "Parameters": given},
        }
        first = _before(name, areas, set(data), given)
        resources[stack_id(name)] = stack | ({"DependsOn": sorted(first)} if first else {})
    own = parameters(_longest_prefix(endpoints), stage)
    for made_here in (OUTBOX_STREAM, VAULT_KEY):
        del own[made_here]
    outputs: dict[str, Any] = {
        name: {"Fn::GetAtt": [stack_id(DISTRIBUTION), f"Outputs.{name}"]} for name in nested[DISTRIBUTION]["Outputs"]
    }
    outputs |= {"Url": passed[PUBLIC_URL], "Prefix": {"Ref": "Prefix"}, "AlarmTopicArn": {"Ref": TOPIC}}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"PilotPractice, stage {stage}",
        "Parameters": own,
        "Rules": rules(),
        "Conditions": conditions(),
        "Resources": resources,
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }


def _before(name: str, areas: list[str], data: set[str], given: dict[str, Any]) -> set[str]:
    """Which resources of the root stand before a stack, beside those that its parameters name."""
    if name == GATEWAY:
        # What answers before who asks it: the gateway alone publishes what the APIs' stacks have made.
        return {stack_id(area) for area in areas}
    if name not in areas:
        return set()
    first = set(data)
    if OUTBOX_STREAM in given:
        first -= {stream_table()}  # the parameter says so already
    if VAULT_KEY in given:
        first -= {VAULT_KEY_ID}
    return first


def stack_id(name: str) -> str:
    """The logical id of a nested stack in the root."""
    return f"{logical(name)}Stack"


def _passed(nested: dict[str, Template]) -> dict[str, Any]:
    """What nested stacks are given for those parameters that are not simply the root's."""
    own_url = {"Fn::GetAtt": [stack_id(DISTRIBUTION), "Outputs.Url"]}
    apis = [name.removeprefix(api_stack("")) for name in nested if name.startswith(api_stack(""))]
    return {
        OUTBOX_STREAM: {"Fn::GetAtt": [stream_table(), "StreamArn"]},
        VAULT_KEY: {"Fn::GetAtt": [VAULT_KEY_ID, "Arn"]},
        PUBLIC_URL: {"Fn::If": ["PublicUrlGiven", {"Ref": PUBLIC_URL}, own_url]},
        **{api_id(api): {"Fn::GetAtt": [stack_id(api_stack(api)), "Outputs.RestApiId"]} for api in apis},
    }


def _longest_prefix(endpoints: list[Endpoint]) -> int:
    longest = max(endpoints, key=lambda endpoint: len(function_name(endpoint)))
    room = LONGEST_FUNCTION_NAME - len(function_name(longest)) - 1
    if room < SHORTEST_PREFIX:
        raise NameTooLong(f"{function_name(longest)} leaves {room} characters for the prefix: shorten the view's name")
    return room
