"""The stacks of a stage: the root with its data and alarms, one for each area, the API last; each expanded from SAM."""

from typing import Any

import boto3
from chalice.app import Chalice
from samtranslator.parser.parser import Parser
from samtranslator.translator.transform import to_py27_compatible_template, undo_mark_unicode_str_in_template
from samtranslator.translator.translator import Translator

from chalicelib.core.endpoints import Endpoint
from infra.alarms import TOPIC, alarm_resources
from infra.api import api_outputs, api_resources
from infra.functions import LONGEST_FUNCTION_NAME, EndpointsDiffer, with_endpoint
from infra.intrinsics import Resource, Template, logical, referred
from infra.parameters import conditions, parameters
from infra.pipeline import sam_template
from infra.policies import OUTBOX_STREAM, VAULT_KEY, function_name
from infra.resources import VAULT_KEY_ID, data_resources, stream_table

SAM = "AWS::Serverless-2016-10-31"
ROOT = "root"
API = "api"
SHORTEST_PREFIX = 20
"""Function names leave at least this much room for the stage's prefix."""


class NameTooLong(RuntimeError):
    """A Lambda's name would exceed what AWS accepts."""


def stacks(app: Chalice, endpoints: list[Endpoint], stage: str) -> dict[str, Template]:
    """Templates by stack, the root first; nested ones are named `<stack>.json` in it, as files beside it."""
    sam = sam_template(app, stage)
    chalices = _functions(sam, endpoints)
    nested = {
        area: _expanded(
            _area([endpoint for endpoint in endpoints if endpoint.area == area], chalices, stage), endpoints
        )
        for area in sorted({endpoint.area for endpoint in endpoints})
    }
    if API in nested:
        raise EndpointsDiffer(f"an area called {API} would clash with the API's stack")
    if "RestAPI" in sam["Resources"]:
        nested[API] = _expanded(_api(sam["Resources"]["RestAPI"], endpoints, stage), endpoints)
    return {ROOT: _root(nested, endpoints, stage), **nested}


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


def _api(chalices: Resource, endpoints: list[Endpoint], stage: str) -> Template:
    # Without this SAM adds a second stage, called Stage.
    everywhere = {"Api": {"OpenApiVersion": "2.0"}}
    return {
        "Globals": everywhere,
        "Resources": api_resources(chalices, endpoints, stage),
        "Outputs": api_outputs(stage),
    }


def _expanded(template: Template, endpoints: list[Endpoint]) -> Template:
    needed = sorted(referred(template) & set(parameters(_longest_prefix(endpoints))))
    whole = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": SAM,
        "Parameters": {name: {"Type": "String"} for name in needed},
        **template,
    }
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


def _root(nested: dict[str, Template], endpoints: list[Endpoint], stage: str) -> Template:
    data = data_resources(stage, tuple(endpoints))
    resources: dict[str, Any] = {**data, **alarm_resources(endpoints, stage)}
    for name, template in nested.items():
        passed = {key: _passed(key) for key in template.get("Parameters", {})}
        # Data before the code that uses it, and what answers before the API that asks it.
        first = {stack_id(other) for other in nested if other != API} if name == API else set(data)
        if OUTBOX_STREAM in passed:
            first -= {stream_table()}  # the parameter says so already
        if VAULT_KEY in passed:
            first -= {VAULT_KEY_ID}
        resources[stack_id(name)] = {
            "Type": "AWS::CloudFormation::Stack",
            "DependsOn": sorted(first),
            "Properties": {"TemplateURL": f"{name}.json", "Parameters": passed},
        }
    outputs: dict[str, Any] = {"Prefix": {"Value": {"Ref": "Prefix"}}, "AlarmTopicArn": {"Value": {"Ref": TOPIC}}}
    if API in nested:
        for output in nested[API]["Outputs"]:
            outputs[output] = {"Value": {"Fn::GetAtt": [stack_id(API), f"Outputs.{output}"]}}
    own = parameters(_longest_prefix(endpoints), stage)
    for made_here in (OUTBOX_STREAM, VAULT_KEY):
        del own[made_here]
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"PilotPractice, stage {stage}",
        "Parameters": own,
        "Conditions": conditions(),
        "Resources": resources,
        "Outputs": outputs,
    }


def stack_id(name: str) -> str:
    """The logical id of a nested stack in the root."""
    return f"{logical(name)}Stack"


def _passed(parameter: str) -> Any:
    if parameter == OUTBOX_STREAM:
        return {"Fn::GetAtt": [stream_table(), "StreamArn"]}
    if parameter == VAULT_KEY:
        return {"Fn::GetAtt": [VAULT_KEY_ID, "Arn"]}
    return {"Ref": parameter}


def _longest_prefix(endpoints: list[Endpoint]) -> int:
    longest = max(endpoints, key=lambda endpoint: len(function_name(endpoint)))
    room = LONGEST_FUNCTION_NAME - len(function_name(longest)) - 1
    if room < SHORTEST_PREFIX:
        raise NameTooLong(f"{function_name(longest)} leaves {room} characters for the prefix: shorten the view's name")
    return room
