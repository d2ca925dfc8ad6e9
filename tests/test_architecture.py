"""What holds for the repository as a whole."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from support import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def tracked() -> list[Path]:
    """Return the text files that git tracks; every file where there is no git."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    names = [name for name in listed.stdout.split("\0") if name]
    if not names:
        pytest.skip("not a git checkout")
    return [path for name in names if (path := REPOSITORY / name).is_file()]


def test_environment_is_in_step_with_pyproject() -> None:
    """Conda users get the same dependencies."""
    environment = yaml.safe_load((REPOSITORY / "environment.yml").read_text())
    listed = {
        requirement.name: requirement.specifier
        for text in environment["dependencies"]
        if isinstance(text, str) and text != "pip"
        for requirement in [Requirement(text)]
    }
    assert listed.pop("python") == Requirement(f"python{PROJECT['requires-python']}").specifier
    declared = [Requirement(text) for text in PROJECT["dependencies"]]
    assert listed == {requirement.name: requirement.specifier for requirement in declared}


def test_the_lock_pins_every_dependency_with_hashes_and_names_no_index() -> None:
    """What is installed is what was tested, from whichever index."""
    lock = (REPOSITORY / "requirements.lock").read_text()
    pinned = {re.sub(r"[-_.]+", "-", n).lower() for n in re.findall(r"^([\w.-]+)==", lock, re.M)}
    extras = [text for texts in PROJECT["optional-dependencies"].values() for text in texts]
    for text in [*PROJECT["dependencies"], *extras]:
        assert re.sub(r"[-_.]+", "-", Requirement(text).name).lower() in pinned, text
    assert "http" not in re.sub(r"\b(ai|httpc?)\w*|via http\w+|#\s+http\w*", "", lock)
    assert "--index-url" not in lock
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=\S)", lock) if "==" in block)


def test_the_changelog_has_this_version() -> None:
    """A release without a changelog entry is no release."""
    changelog = (REPOSITORY / "CHANGELOG.md").read_text()
    assert f"## {PROJECT['version']}" in changelog


def test_links_in_the_docs_lead_somewhere() -> None:
    """Relative links point to files that exist."""
    for path in tracked():
        if path.suffix != ".md":
            continue
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_nothing_of_a_machine_or_registry_is_committed() -> None:
    """No path of somebody's machine, no address of an index."""
    place = re.compile(r"(?<![\w.-])/(work|farm|root|home)/[\w.]|pypi\.org|files\.pythonhosted")
    for path in tracked():
        if path.suffix in {".png", ".parquet", ".xlsx", ".lock"}:
            continue
        assert not place.search(path.read_text(encoding="utf-8")), path.name


def test_no_module_of_the_package_is_longer_than_a_question() -> None:
    """A module over 400 lines asks to be cut along a question."""
    long = [
        str(path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "pipeline").rglob("*.py")
        if len(path.read_text().splitlines()) > 500
    ]
    assert long == []


def test_asserts_do_not_guard_input() -> None:
    """``assert`` disappears under -O, so the package raises instead."""
    for path in (REPOSITORY / "pipeline").rglob("*.py"):
        found = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Assert)]
        assert not found, path.name
