"""Files, functions and parameter lists stay small enough to read."""

import ast
from collections.abc import Iterator

from tests.structure.sources import CODE, ROOT, sources

MOST_PARAMETERS = 5
MOST_LINES_OF_A_FUNCTION = 60
MOST_LINES_OF_A_FILE = 300


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path, tree in sources(*CODE).items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path}:{node.lineno} {node.name}", node


def test_what_travels_together_is_one_named_object() -> None:
    def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
        given = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        return [each.arg for each in given if each.arg not in ("self", "cls")]

    found = {
        f"{where.partition(':')[0]} {node.name}"
        for where, node in functions()
        if len(parameters(node)) > MOST_PARAMETERS
    }
    assert sorted(found) == []


def test_functions_are_short() -> None:
    def lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
        return (node.end_lineno or node.lineno) - node.lineno + 1

    assert {where: lines(node) for where, node in functions() if lines(node) > MOST_LINES_OF_A_FUNCTION} == {}


def test_files_are_short() -> None:
    lengths = {str(path): len((ROOT / path).read_text().splitlines()) for path in sources(*CODE)}
    assert {path: length for path, length in lengths.items() if length > MOST_LINES_OF_A_FILE} == {}
