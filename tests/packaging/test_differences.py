"""What of a template is checked when all the rest was checked in another stage's."""

import json
from typing import Any

import pytest

from tests.packaging.differences import Template, differences

ROLE = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": {"Fn::Sub": "${Prefix}-role"}}}


def function(stage: str, code: str = "a", role: Any = None) -> Template:
    named = role or {"Fn::GetAtt": ["Role", "Arn"]}
    return {"Type": "AWS::Lambda::Function", "Properties": {"Stage": stage, "Code": code, "Role": named}}


def template(stage: str, **more: Template) -> Template:
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": {"Prefix": {"Type": "String"}, "Unused": {"Type": "String"}},
        "Conditions": {"ByMail": {"Fn::Not": [{"Ref": "Unused"}]}},
        "Resources": {"Role": ROLE, "Other": ROLE, "First": function(stage), "Second": function(stage, "b")} | more,
        "Outputs": {"Kept": {"Value": {"Ref": "Other"}}},
    }


def names(found: Template | None, section: str = "Resources") -> list[str]:
    assert found
    return sorted(found.get(section, {}))


def test_what_is_the_same_is_nothing() -> None:
    assert differences(template("dev"), template("dev")) is None


def test_of_the_same_change_the_first_is_kept_with_all_it_needs() -> None:
    found = differences(template("prod"), template("dev"))
    assert names(found) == ["First", "Role"]
    assert names(found, "Parameters") == ["Prefix"]
    assert names(found, "Conditions") == names(found, "Outputs") == []
    assert found
    assert found["AWSTemplateFormatVersion"] == "2010-09-09"


def test_another_change_is_kept_as_well() -> None:
    found = differences(template("prod", Third=function("test")), template("dev", Third=function("dev")))
    assert names(found) == ["First", "Role", "Third"]


@pytest.mark.parametrize(
    "reference",
    [{"Ref": "Other"}, {"Fn::GetAtt": "Other.Arn"}, {"Fn::Sub": "x${Other.Arn}"}, {"Fn::Sub": ["${Other}", {}]}],
)
def test_what_is_new_is_kept_with_what_it_refers_to_in_whatever_way(reference: Any) -> None:
    found = differences(template("dev", New=function("dev", role=reference)), template("dev"))
    assert names(found) == ["New", "Other"]


def test_a_condition_brings_its_parameters() -> None:
    conditional = ROLE | {"Condition": "ByMail"}
    found = differences(template("dev", New=conditional), template("dev"))
    assert names(found, "Conditions") == ["ByMail"]
    assert names(found, "Parameters") == ["Prefix", "Unused"]


def test_an_output_that_is_other_is_kept_with_its_resource() -> None:
    changed = json.loads(json.dumps(template("dev")).replace('"Kept"', '"Changed"'))
    found = differences(changed, template("dev"))
    assert (names(found), names(found, "Outputs")) == (["Other"], ["Changed"])


def test_a_rule_comes_only_where_it_is_other_and_brings_its_parameters() -> None:
    rule = {"Assertions": [{"Assert": {"Fn::Equals": [{"Ref": "Unused"}, ""]}}]}
    same = differences(template("prod") | {"Rules": {"A": rule}}, template("dev") | {"Rules": {"A": rule}})
    assert names(same, "Rules") == []
    assert names(same, "Parameters") == ["Prefix"]
    changed = differences(template("dev") | {"Rules": {"A": rule}}, template("dev"))
    assert names(changed, "Rules") == ["A"]
    assert names(changed, "Parameters") == ["Unused"]
