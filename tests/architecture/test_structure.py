"""The house stays as it is drawn."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "casework"
MODULES = sorted(SOURCE.rglob("*.py"))
ROOMS = {"routes", "tasks", "actions", "queries", "schemas", "models", "lifecycle", "problems", "__init__"}
SLICES = [
    "audit_log",
    "advice",
    "visits",
    "circle",
    "cases",
    "enquiries",
    "premises",
    "organisations",
    "notices",
    "review_offers",
    "people",
    "reference",
]


def names(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=names)
def test_every_module_and_class_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name


@pytest.mark.parametrize("path", MODULES, ids=names)
def test_only_the_doorway_and_the_commands_end_a_transaction(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    allowed = {
        "work/doorway.py",
        "work/jobs.py",
        "migrations.py",
        "worker.py",
        "premises/importing.py",
        "reference/loading.py",
        "reference/importing.py",
        "people/bootstrap.py",
    }
    if str(path.relative_to(SOURCE)) in allowed or path.is_relative_to(SOURCE / "commands"):
        return
    assert not re.search(r"\.transaction\(|\.commit\(|\.rollback\(", text)


@pytest.mark.parametrize("path", MODULES, ids=names)
def test_context_is_set_for_one_transaction_only(path: Path) -> None:
    assert not re.search(r"set_config\([^)]*false\)", path.read_text(encoding="utf-8"))


def test_context_functions_set_nothing_for_a_session() -> None:
    for path in SOURCE.rglob("*.sql"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"set_config\([^;]*,\s*false\s*\)", text), path
        assert not re.search(r"(^|;)\s*SET (?!LOCAL)\w+(\.\w+)? *(=|TO)[^;]*;", re.sub(r"UPDATE[^;]*;", "", text)), path


def test_there_is_no_drawer_for_everything() -> None:
    banned = {"utils", "common", "helpers", "base", "service", "services", "manager"}
    assert [names(path) for path in MODULES if path.stem in banned or path.parent.name in banned] == []


@pytest.mark.parametrize("slice_", SLICES)
def test_routes_decide_nothing_and_hold_no_sql(slice_: str) -> None:
    text = (SOURCE / slice_ / "routes.py").read_text(encoding="utf-8")
    assert "sqlalchemy" not in text
    assert not re.search(r"\b(SELECT|INSERT|UPDATE|DELETE) ", text)


def test_the_readmes_map_is_the_tree() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in SOURCE.iterdir():
        if path.name not in ("__init__.py", "__pycache__", "py.typed"):
            assert (f"{path.name}/" if path.is_dir() else path.name) in readme, path.name
    for name in (
        "src",
        "alembic",
        "tests",
        "openapi",
        "benchmarks",
        "docs",
        "pyproject.toml",
        "Dockerfile",
        "compose.yaml",
        "Makefile",
    ):
        assert (ROOT / name).exists(), name
        assert name in readme, name


def test_no_file_records_a_download_address_or_a_path_of_a_machine() -> None:
    import subprocess

    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert not {"uv.lock", "pylock.toml"} & {Path(name).name for name in tracked}
    for name in tracked:
        if name.startswith("requirements") and name.endswith(".lock"):
            assert not re.search(r"https?://", (ROOT / name).read_text(encoding="utf-8")), name
