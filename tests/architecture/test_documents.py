"""What the documents say of this repository is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`((?:[a-z_]+/)*test_[a-z_]+\.py)?(?:::(test_[a-z0-9_]+))?`")


def proofs() -> list[tuple[str, str | None]]:
    """The file and the test of each proof that docs/security.md names; ``::test`` stands for one of the file before it."""
    found: list[tuple[str, str | None]] = []
    for line in (ROOT / "docs" / "security.md").read_text(encoding="utf-8").splitlines():
        file = ""
        for named, test in NAMED.findall(line):
            file = named or file
            if named or test:
                found.append((file, test or None))
    return found


def named_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize(("file", "test"), sorted(set(proofs()), key=str))
def test_every_proof_that_is_named_is_there(file: str, test: str | None) -> None:
    path = ROOT / "tests" / file
    assert path.is_file(), file
    assert test is None or test in named_in(path), f"{file}::{test}"


def test_the_proofs_are_read() -> None:
    assert len(proofs()) > 80


def test_each_threat_stands_once() -> None:
    rows = re.findall(r"^\| (T\d+) ", (ROOT / "docs" / "security.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [f"T{number}" for number in range(1, len(rows) + 1)]
