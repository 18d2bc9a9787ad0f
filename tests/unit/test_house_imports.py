"""Imports point one way, modules stay short, and only the command line prints: read from the syntax trees."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = {"bot", "integrations", "workflows", "model", "licensing", "jobs", "web", "sandbox", "migrations", "benchmarks"}
LONGEST_MODULE = 420

#: Package -> module prefixes of ours it may import, itself excepted.
MAY_IMPORT: dict[str, set[str]] = {
    "sandbox": set(),
    "integrations": set(),
    "licensing": set(),
    "model": set(),
    "jobs": {"model.base", "model.writes"},
    "migrations": {"model", "jobs"},
    "workflows": {"model", "licensing", "jobs"},
    "web": {"workflows", "model", "licensing"},
    "bot": {"workflows", "model", "licensing"},
}
#: Module prefix -> what it may import beyond its package: the performers of effects, and the two that wire everything.
MAY_ALSO: dict[str, set[str]] = {
    "workflows.perform": {"integrations"},
    "workflows.directory": {"integrations.graph_types"},  # plain values, no calls
    "bot.deliver": {"integrations"},
    "bot.demo": {"sandbox"},  # the company and its world
    "bot.seed": {"sandbox", "integrations.graph_types"},
    "bot.bootstrap": OURS - {"benchmarks"},
    "bot.__main__": OURS - {"benchmarks"},
    "bot.cli": OURS - {"benchmarks"},
    "bot.doctor": {"integrations"},
}
#: What the pure rules must not touch: files, network, processes, databases, the clock of the machine.
IMPURE = {
    "flask", "http", "os", "pathlib", "psycopg", "requests", "shutil", "slack_bolt", "slack_sdk", "socket",
    "sqlalchemy", "sqlite3", "subprocess", "tempfile", "threading", "time", "urllib",
}  # fmt: skip
#: Modules that speak to a terminal.
TALKERS = ("bot.__main__", "bot.cli", "sandbox.__main__", "benchmarks")


def modules() -> Iterator[tuple[str, Path]]:
    for package in sorted(OURS):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(part for part in parts if part != "__init__"), path


def imported(name: str, path: Path) -> Iterator[str]:
    """Every module a file imports, wherever in it, written absolutely; `from a import b` counts as `a` and `a.b`."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def within(module: str, prefixes: set[str]) -> bool:
    return any(module == prefix or module.startswith(f"{prefix}.") for prefix in prefixes)


def allowed(name: str) -> set[str]:
    package = name.split(".")[0]
    also = (
        extra for prefix, extra in MAY_ALSO.items() if name == prefix or name.startswith((f"{prefix}.", f"{prefix}_"))
    )
    return {package}.union(MAY_IMPORT[package], *also)


def test_the_walk_sees_the_house() -> None:
    seen = {name.split(".")[0] for name, _ in modules()}
    assert {"bot", "integrations", "workflows", "model", "licensing", "jobs", "web", "sandbox", "migrations"} <= seen


def test_imports_point_one_way() -> None:
    wrong = [
        f"{name} imports {target}"
        for name, path in modules()
        if not name.startswith("benchmarks")
        for target in imported(name, path)
        if target.split(".")[0] in OURS | {"tests"} and not within(target, allowed(name))
    ]
    assert not wrong, "\n".join(wrong)


def test_the_product_does_not_import_its_tests_or_benchmarks() -> None:
    wrong = [
        f"{name} imports {target}"
        for name, path in modules()
        if not name.startswith("benchmarks")
        for target in imported(name, path)
        if target.split(".")[0] in {"tests", "benchmarks", "pytest", "hypothesis", "responses"}
    ]
    assert not wrong, "\n".join(wrong)


def test_the_pure_rules_do_no_io() -> None:
    wrong = [
        f"{name} imports {target}"
        for name, path in modules()
        if name.split(".")[0] == "licensing"
        for target in imported(name, path)
        if target.split(".")[0] in IMPURE
    ]
    assert not wrong, "\n".join(wrong)


def test_no_module_is_two_that_have_not_met_yet() -> None:
    def lines(path: Path) -> int:
        return len(path.read_text(encoding="utf-8").splitlines())

    long = [
        f"{name}: {lines(path)} lines"
        for name, path in modules()
        if not name.startswith("migrations.versions") and lines(path) > LONGEST_MODULE
    ]
    assert not long, "\n".join(long)


def test_whoever_writes_knows_every_table() -> None:
    """A process that had loaded `ticket` without `red_alert` could not flush a single ticket."""
    asked = "import model.session as one; print(*(table.name for table in one.events.Base.metadata.sorted_tables))"
    said = subprocess.run(
        [sys.executable, "-c", asked],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    tables = {
        node.value.value
        for name, path in modules()
        if name.startswith("model.")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__tablename__"
    }  # fmt: skip
    assert "red_alert" in tables and tables <= set(said.stdout.split())


def test_only_the_command_line_prints() -> None:
    wrong = [
        f"{name}:{node.lineno}"
        for name, path in modules()
        if not name.startswith(TALKERS)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("import requests\n", "requests"),
        ("from . import people\n", "model.people"),
        ("def late():\n    from workflows.request import submit\n", "workflows.request.submit"),
        ("from .base import Base\n", "model.base.Base"),
    ],
)
def test_the_walk_resolves_imports(tmp_path: Path, source: str, target: str) -> None:
    path = tmp_path / "events.py"
    path.write_text(source)
    assert target in set(imported("model.events", path))


def test_the_walk_tells_right_from_wrong() -> None:
    assert not within("workflows.request.submit", allowed("model.events"))
    assert not within("integrations.graph", allowed("workflows.request"))
    assert not within("model.people", allowed("jobs.worker"))
    assert within("integrations.graph", allowed("workflows.perform_graph"))
    assert within("model.base.Base", allowed("jobs.worker"))
