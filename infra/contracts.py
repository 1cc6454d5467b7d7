"""A kind of import contract that import-linter lacks: who may import what directly, said by patterns of names.

import-linter's own wildcards stand for whole parts of a dotted name, so they cannot say "every `store` and `…_store`".
"""

import re

import grimp
from importlinter import Contract, ContractCheck, fields, output


class DirectImportsContract(Contract):
    """Modules that match `imported` are imported by none that match `importers`, but by those that match `allowed`.

    All three are lists of regular expressions for whole dotted names. `imported` may name external packages.
    """

    type_name = "direct_imports"

    imported = fields.ListField(subfield=fields.StringField())
    importers = fields.ListField(subfield=fields.StringField())
    allowed = fields.ListField(subfield=fields.StringField(), required=False)

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        """Every direct import that is not allowed, as `importer -> imported`."""
        imported, importers = _any_of(self.imported), _any_of(self.importers)
        allowed = _any_of(self.allowed or ["(?!)"])
        broken = sorted(
            f"{importer} -> {module}"
            for module in graph.modules
            if imported.fullmatch(module)
            for importer in graph.find_modules_that_directly_import(module)
            if importers.fullmatch(importer) and not allowed.fullmatch(importer)
        )
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """A line for each of them."""
        for line in check.metadata["broken"]:
            output.print_error(line, bold=False)
            output.new_line()


def _any_of(patterns: object) -> re.Pattern[str]:
    assert isinstance(patterns, list)
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
