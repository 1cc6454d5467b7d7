"""One deployment: a change set of the root stack, carried out, with its progress told as it goes."""

import json
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from secrets import token_hex
from typing import Any

from botocore.exceptions import ClientError

from infra.index_updates import TABLE
from infra.intrinsics import Template

NESTED = "AWS::CloudFormation::Stack"
CAPABILITIES = ["CAPABILITY_IAM"]
NOTHING_TO_DO = ("didn't contain changes", "No updates are to be performed")
POLL_SECONDS = 2.0
"""DescribeStackEvents allows a few calls a second for all stacks of an account."""
SECRET_BYTES = 32
ROLLED_BACK = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED")


class DeploymentFailed(RuntimeError):
    """CloudFormation refused or rolled back; the message gives its reasons."""


class Deployment:
    """The change of a root stack to a new template. `made_up`: parameters that are secrets of our own making."""

    def __init__(
        self, client: Any, stack: str, stage: str, say: Callable[[str], None] = print, made_up: Iterable[str] = ()
    ) -> None:
        self.client = client
        self.made_up = frozenset(made_up)
        self.stack = stack
        self.stage = stage
        self.say = say
        self.reasons: list[str] = []

    def run(self, template_url: str, declared: dict[str, Any], given: dict[str, str]) -> dict[str, str]:
        """Make the stack what the template says; returns its outputs. Raises DeploymentFailed.

        `declared`: the template's parameters; those not `given` keep their values, or get their defaults.
        """
        current = self._describe()
        if current and current["StackStatus"] in ROLLED_BACK:
            raise DeploymentFailed(f"{self.stack} is {current['StackStatus']}: delete it before deploying again")
        # A stack that only ever held a change set is in review, and still has to be created.
        new = current is None or current["StackStatus"] == "REVIEW_IN_PROGRESS"
        before = {each["ParameterKey"] for each in current.get("Parameters", ())} if current and not new else set()
        parameters = self._parameters(declared, given, before)
        change_set = self._change_set(template_url, parameters, "CREATE" if new else "UPDATE")
        if change_set is None:
            self.say(f"{self.stack} is up to date")
        else:
            started = time.time()
            self.client.execute_change_set(StackName=self.stack, ChangeSetName=change_set)
            self._follow(started)
        return self._outputs()

    def template(self) -> Template | None:
        """The root template as it is deployed, None when there is no stack yet."""
        current = self._describe()
        if current is None or current["StackStatus"] == "REVIEW_IN_PROGRESS":
            return None
        body: Template | str = self.client.get_template(StackName=self.stack, TemplateStage="Original")["TemplateBody"]
        return json.loads(body) if isinstance(body, str) else body

    def wait_for_indexes(self, dynamodb: Any) -> None:
        """Until every index of the stack's tables is built: CloudFormation does not wait, and DynamoDB takes no update.

        It takes as long as the table is large; whoever stops waiting deploys again later, and it goes on from there.
        """
        pages = self.client.get_paginator("list_stack_resources").paginate(StackName=self.stack)
        resources = [each for page in pages for each in page["StackResourceSummaries"]]
        reported: set[str] = set()
        for table in [each["PhysicalResourceId"] for each in resources if each["ResourceType"] == TABLE]:
            while building := _building(dynamodb.describe_table(TableName=table)["Table"]):
                if table not in reported:
                    self.say(f"  waits until DynamoDB has built {', '.join(building)} of {table}")
                    reported.add(table)
                time.sleep(POLL_SECONDS)

    def _parameters(self, declared: dict[str, Any], given: dict[str, str], before: set[str]) -> list[dict[str, Any]]:
        unknown = set(given) - set(declared)
        if unknown:
            raise DeploymentFailed(f"there is no parameter {', '.join(sorted(unknown))}")
        parameters: list[dict[str, Any]] = []
        for name, about in declared.items():
            if name in given:
                parameters.append({"ParameterKey": name, "ParameterValue": given[name]})
            elif name in before:
                parameters.append({"ParameterKey": name, "UsePreviousValue": True})
            elif name in self.made_up:
                parameters.append({"ParameterKey": name, "ParameterValue": token_hex(SECRET_BYTES)})
            elif "Default" not in about:
                purpose = about.get("Description", "")
                raise DeploymentFailed(f"the first deployment of {self.stack} needs the parameter {name}: {purpose}")
        return parameters

    def _change_set(self, url: str, parameters: list[dict[str, Any]], kind: str) -> str | None:
        name = f"deploy-{int(time.time() * 1000)}"
        self.client.create_change_set(
            StackName=self.stack,
            ChangeSetName=name,
            ChangeSetType=kind,
            TemplateURL=url,
            Parameters=parameters,
            Capabilities=CAPABILITIES,
            # Inherited by everything in it, so that costs can be told apart.
            Tags=[{"Key": "application", "Value": "pilotpractice"}, {"Key": "stage", "Value": self.stage}],
        )
        while True:
            answer = self.client.describe_change_set(StackName=self.stack, ChangeSetName=name)
            if answer["Status"] == "CREATE_COMPLETE":
                changes = [each["ResourceChange"] for each in answer.get("Changes", ())]
                self.say(f"{kind.lower()}s {self.stack}: {len(changes)} changes in the root")
                return name
            if answer["Status"] == "FAILED":
                reason = answer.get("StatusReason", "")
                self.client.delete_change_set(StackName=self.stack, ChangeSetName=name)
                if any(words in reason for words in NOTHING_TO_DO):
                    return None
                raise DeploymentFailed(f"CloudFormation refuses the change: {reason}")
            time.sleep(POLL_SECONDS / 4)

    def _follow(self, started: float) -> None:
        seen: set[str] = set()
        while True:
            current = self._describe()
            status = current["StackStatus"] if current else "DELETE_COMPLETE"
            self._tell(self.stack, started, seen)
            if not status.endswith("_IN_PROGRESS"):
                break
            time.sleep(POLL_SECONDS)
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise DeploymentFailed(f"{self.stack} is {status}: " + ("; ".join(self.reasons) or "no reason was given"))

    def _tell(self, stack: str, started: float, seen: set[str]) -> None:
        for event in self._events(stack):
            if event["EventId"] in seen or _seconds(event["Timestamp"]) < started - 1:
                continue
            seen.add(event["EventId"])
            status, logical = event["ResourceStatus"], event["LogicalResourceId"]
            failed = status.endswith("_FAILED")
            stack_itself = event.get("PhysicalResourceId") == event["StackId"]
            nested = event["ResourceType"] == NESTED and not stack_itself
            reason = event.get("ResourceStatusReason", "")
            if failed:
                self.reasons.append(f"{logical}: {reason}")
                if nested and event.get("PhysicalResourceId"):
                    # The root only says that a stack failed; its own events say why.
                    self._tell(event["PhysicalResourceId"], started, seen)
            if failed or nested:
                self.say(f"  {status:<20} {logical} {reason if failed else ''}".rstrip())

    def _events(self, stack: str) -> list[dict[str, Any]]:
        pages = self.client.get_paginator("describe_stack_events").paginate(StackName=stack)
        return [event for page in pages for event in page["StackEvents"]][::-1]

    def _describe(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self.client.describe_stacks(StackName=self.stack)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return found

    def _outputs(self) -> dict[str, str]:
        current = self._describe() or {}
        return {each["OutputKey"]: each["OutputValue"] for each in current.get("Outputs", ())}


def _building(table: dict[str, Any]) -> list[str]:
    indexes = table.get("GlobalSecondaryIndexes", ())
    return [each["IndexName"] for each in indexes if each.get("IndexStatus", "ACTIVE") != "ACTIVE"]


def _seconds(stamp: datetime) -> float:
    return stamp.timestamp()
