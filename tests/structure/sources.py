"""Every Python file of the house, parsed once, for tests that look at the code itself."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("chalicelib", "functions")
CODE = ("app.py", *SHIPPED, "infra", "benchmarks")


@cache
def sources(*folders: str) -> dict[Path, ast.Module]:
    """The files that git knows (or would add) below these folders, with their syntax trees; paths from the root."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "--", *folders]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    paths = sorted({Path(each) for each in listed if each.endswith(".py") and (ROOT / each).is_file()})
    return {path: ast.parse((ROOT / path).read_text()) for path in paths}
