"""Chalice's own packaging, from an app to its SAM template, with the zip and the roles left to us.

Chalice does not document these classes: `chalice` is pinned.
"""

from pathlib import Path
from typing import Any

from chalice.app import Chalice
from chalice.cli.factory import CLIFactory
from chalice.deploy.appgraph import ApplicationGraphBuilder, DependencyBuilder
from chalice.deploy.deployer import BuildStage, DeploymentPackager, InjectDefaults, SwaggerBuilder
from chalice.deploy.packager import LambdaDeploymentPackager
from chalice.deploy.swagger import CFNSwaggerGenerator
from chalice.deploy.validate import validate_configuration
from chalice.package import PackageOptions, ResourceBuilder, SAMTemplateGenerator

from infra.intrinsics import Template

ROOT = Path(__file__).resolve().parents[1]


class _Principals(PackageOptions):
    # Chalice asks a client for these, which needs a region and credentials; they are the same in every partition.
    def __init__(self) -> None:
        pass

    def service_principal(self, service: str) -> str:
        return f"{service}.amazonaws.com"


class _BuiltBefore(LambdaDeploymentPackager):
    # The zip is ours (infra/zipping.py); Chalice only wants to hear of one.
    def __init__(self) -> None:
        pass

    def create_deployment_package(self, project_dir: str, python_version: str) -> str:
        return "deployment.zip"


def sam_template(app: Chalice, stage: str) -> Template:
    """What Chalice makes of `app` for `stage`: a function per Lambda, their events, and one API before a monolith."""
    given: dict[str, Any] = {}
    config = CLIFactory(str(ROOT), environ={}).create_config_obj(stage, user_provided_params=given)
    # Only now: the factory puts there its own way of loading app.py, which holds for one app a process.
    given["chalice_app"] = app
    validate_configuration(config)
    steps = [InjectDefaults(), DeploymentPackager(_BuiltBefore()), SwaggerBuilder(CFNSwaggerGenerator())]
    builder = ResourceBuilder(ApplicationGraphBuilder(), DependencyBuilder(), BuildStage(steps))
    resources: Any = builder.construct_resources(config, stage)
    template: Template = SAMTemplateGenerator(config, _Principals()).generate(resources)
    return template
