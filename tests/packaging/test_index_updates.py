"""From one template to another in updates that DynamoDB takes: at most one index of each table added or dropped."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.index_updates import CannotUpdate, updates

NAMES = st.sets(st.sampled_from("abcdefg"), max_size=7)
Tables = dict[str, set[str]]
"""Names of indexes by table."""


def template(tables: Tables, code: str) -> dict[str, Any]:
    """A root template with these tables and a stack of `code`. Index `a` has the attribute `a` and shares `day`."""
    resources: dict[str, Any] = {"Code": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": code}}}
    for name, indexes in tables.items():
        attributes = {"pk", "sk", *indexes, *({"day"} if indexes else ())}
        properties: dict[str, Any] = {
            "TableName": name,
            "AttributeDefinitions": [{"AttributeName": a, "AttributeType": "S"} for a in sorted(attributes)],
            "KeySchema": keys("pk", "sk"),
        }
        if indexes:
            described = [{"IndexName": f"by_{i}", "KeySchema": keys(i, "day")} for i in sorted(indexes)]
            properties["GlobalSecondaryIndexes"] = described
        resources[name] = {"Type": "AWS::DynamoDB::Table", "Properties": properties}
    return {"Parameters": {"Prefix": {"Type": "String"}}, "Resources": resources}


def keys(hash_key: str, range_key: str) -> list[dict[str, str]]:
    return [{"AttributeName": hash_key, "KeyType": "HASH"}, {"AttributeName": range_key, "KeyType": "RANGE"}]


def indexes(of: dict[str, Any], table: str) -> set[str]:
    resource = of["Resources"].get(table, {"Properties": {}})
    return {index["IndexName"] for index in resource["Properties"].get("GlobalSecondaryIndexes", ())}


@given(st.fixed_dictionaries({}, optional={"Calls": NAMES, "Notes": NAMES}),
       st.fixed_dictionaries({}, optional={"Calls": NAMES, "Notes": NAMES}))  # fmt: skip
def test_any_change_of_indexes(before: Tables, after: Tables) -> None:
    deployed, target = template(before, "old"), template(after, "new")
    found = updates(deployed, target)
    assert found[-1].template == target
    for earlier, later in pairwise([deployed, *(update.template for update in found)]):
        for table in set(before) & set(after):
            assert len(indexes(earlier, table) ^ indexes(later, table)) <= 1
    for update in found:
        for resource in update.template["Resources"].values():
            if resource["Type"] == "AWS::DynamoDB::Table":
                assert defined(resource["Properties"]) == used(resource["Properties"])
    # What the old code asks stays while it runs; what the new code asks is there when it comes.
    running = [update.template["Resources"]["Code"]["Properties"]["TemplateURL"] for update in found]
    assert running == sorted(running, reverse=True)
    assert [update.new for update in found] == [code == "new" for code in running]
    for table in set(before) & set(after):
        assert all(indexes(u.template, table) >= indexes(deployed, table) for u in found if not u.new)
        assert all(indexes(u.template, table) >= indexes(target, table) for u in found if u.new)


def used(properties: dict[str, Any]) -> set[str]:
    schemas = [properties["KeySchema"], *(i["KeySchema"] for i in properties.get("GlobalSecondaryIndexes", ()))]
    return {key["AttributeName"] for schema in schemas for key in schema}


def defined(properties: dict[str, Any]) -> set[str]:
    return {each["AttributeName"] for each in properties["AttributeDefinitions"]}


def test_each_update_says_what_it_changes() -> None:
    found = updates(
        template({"Calls": {"a"}, "Notes": set()}, "old"), template({"Calls": {"b", "c"}, "Notes": {"d"}}, "new")
    )
    assert [update.changes for update in found] == [
        ("adds by_b to Calls", "adds by_d to Notes"),
        ("adds by_c to Calls",),
        ("drops by_a from Calls",),
    ]


def test_the_first_deployment_and_one_without_new_indexes_are_one_update() -> None:
    target = template({"Calls": {"a", "b"}, "Notes": {"c", "d"}}, "new")
    assert [update.template for update in updates(None, target)] == [target]
    assert [u.template for u in updates(template({"Calls": {"a", "b"}}, "old"), target)] == [target]


def test_what_was_deployed_and_what_is_wanted_stay_as_they_are() -> None:
    deployed, target = template({"Calls": {"a", "e"}}, "old"), template({"Calls": {"b", "c"}}, "new")
    updates(deployed, target)
    assert deployed == template({"Calls": {"a", "e"}}, "old")
    assert target == template({"Calls": {"b", "c"}}, "new")


def test_what_dynamodb_cannot_change_is_refused() -> None:
    deployed = template({"Calls": {"a"}}, "old")

    def changed() -> tuple[dict[str, Any], dict[str, Any]]:
        target = template({"Calls": {"a"}}, "new")
        return target, target["Resources"]["Calls"]["Properties"]

    target, table = changed()
    table["GlobalSecondaryIndexes"][0]["Projection"] = {"ProjectionType": "KEYS_ONLY"}
    with pytest.raises(CannotUpdate, match=r"by_a of Calls differs.*another name"):
        updates(deployed, target)
    target, table = changed()
    table["KeySchema"] = keys("pk", "a")
    with pytest.raises(CannotUpdate, match="the key of Calls"):
        updates(deployed, target)
    target, table = changed()
    table["AttributeDefinitions"][0]["AttributeType"] = "N"
    with pytest.raises(CannotUpdate, match="a of Calls was of another type"):
        updates(deployed, target)
