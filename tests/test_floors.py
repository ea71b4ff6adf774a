"""The floors: sql <- mingdan <- assets <- pipelines, and the stages in their order."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = ("sql", "mingdan", "assets", "pipelines")
STAGES = ("orders", "usage", "guiding", "reports", "features", "senders", "classes", "lists")
ABOVE_STAGES = {"cli", "simulator", "steps", "summary", "maintenance"}
"""Rooms of mingdan that may use every stage, and that no stage may use."""


def imports(path: Path) -> set[str]:
    """Every module a file imports, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            found.add("a relative import")
    return found


def forbidden(path: Path) -> list[str]:
    """What a file imports from a floor above it, or from a stage to its right."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    used = imports(path)
    bad = [name for name in used if name == "a relative import"]
    above = FLOORS[FLOORS.index(parts[0]) + 1 :]
    bad += [name for name in used if name.split(".")[0] in above]
    if parts[0] == "mingdan":
        bad += [name for name in used if name.split(".")[0].startswith("dagster")]
        if parts[1] in STAGES:
            later = set(STAGES[STAGES.index(parts[1]) + 1 :]) | ABOVE_STAGES
            bad += [
                name for name in used if name.startswith("mingdan.") and name.split(".")[1] in later
            ]
    return sorted(set(bad))


def sources() -> list[Path]:
    return sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_looks_up_the_stairs(path: Path) -> None:
    assert forbidden(path) == []


def test_the_rule_sees_a_breach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.test_floors.ROOT", tmp_path)
    folder = tmp_path / "mingdan" / "usage"
    folder.mkdir(parents=True)
    breach = folder / "x.py"
    breach.write_text("import dagster\ndef f():\n    from mingdan.lists import release\n")
    assert forbidden(breach) == ["dagster", "mingdan.lists", "mingdan.lists.release"]
    breach.write_text("from mingdan.orders.store import OrderStore\n")
    assert forbidden(breach) == []


@pytest.mark.parametrize(
    "path",
    [path for path in sources() if path.name != "__init__.py"],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_every_module_says_what_belongs_there(path: Path) -> None:
    if "migrations" in path.parts:
        return
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    assert "Here" in text, f"{path} does not say what belongs there"


def test_init_files_are_empty() -> None:
    full = [p for floor in FLOORS for p in (ROOT / floor).rglob("__init__.py") if p.read_text()]
    assert full == []


def test_every_stage_is_a_room_on_every_floor() -> None:
    for stage in STAGES:
        assert (ROOT / "sql" / stage).is_dir()
        assert (ROOT / "mingdan" / stage).is_dir()
        assert (ROOT / "assets" / f"{stage}.py").is_file()
        assert (ROOT / "tests" / stage).is_dir()


def test_the_pipeline_never_reads_the_truth() -> None:
    """Only the simulator, what scores it, and the summary that prints the score."""
    allowed = {"mingdan/simulator", "mingdan/cli/runs.py", "mingdan/cli/simulate.py"}
    readers = [
        str(path.relative_to(ROOT))
        for path in sources()
        if any(name.startswith("mingdan.simulator") for name in imports(path))
        or "truth" in path.read_text(encoding="utf-8").lower()
    ]
    assert [name for name in readers if not any(name.startswith(ok) for ok in allowed)] == []
