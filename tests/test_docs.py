"""The site has a page for every file, its configuration reference every key, and its public API every name."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree

import pytest
import yaml
from pydantic import BaseModel

import pipeline
from pipeline.config import Config, SearchSettings
from pipeline.schema import Topic

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Return the dotted keys of settings; those of a mapping by name stand behind `<name>`."""
    for name, field in model.model_fields.items():
        parts = [field.annotation, *get_args(field.annotation)]
        inner = next((part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)), None)
        mapping = inner is not None and inner is not field.annotation
        if inner is None or mapping:
            yield f"{prefix}{name}"
        if inner is not None and (not mapping or name == "test"):
            yield from keys(inner, f"{prefix}{name}.{'<name>.' if mapping else ''}")


def documented(heading: str) -> list[str]:
    """Return the first column of the tables below a heading of docs/configuration.md."""
    page = (DOCS / "configuration.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)


def pages(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    else:
        for branch in tree.values() if isinstance(tree, dict) else tree:
            yield from pages(branch)


@pytest.mark.parametrize(("heading", "model"), [("Experiment", Config), ("Search", SearchSettings)])
def test_the_configuration_reference_has_every_key(heading: str, model: type[BaseModel]) -> None:
    assert sorted(documented(heading)) == sorted(keys(model))


def test_the_configuration_reference_has_every_key_of_a_topic() -> None:
    assert documented("Label set") == ["topics", *Topic.__dataclass_fields__, "examples"]


def test_every_page_is_in_the_navigation_once() -> None:
    assert sorted(pages(SITE["nav"])) == sorted(path.name for path in DOCS.glob("*.md"))


def test_the_api_reference_has_every_public_name() -> None:
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    members = re.search(r"members: \[(.*)\]", page)
    assert members
    listed = set(members.group(1).split(", ")) | set(
        re.findall(r"::: pipeline\.\S+\.([A-Z]\w+)$", page, re.MULTILINE)
    )
    assert listed == set(pipeline.__all__)


def test_every_module_of_the_reference_exists() -> None:
    for name in re.findall(r"^::: (\S+)", (DOCS / "modules.md").read_text(encoding="utf-8"), re.MULTILINE):
        assert (ROOT / f"{name.replace('.', '/')}.py").exists(), name


def test_the_glossary_is_in_order() -> None:
    words = re.findall(r"^## (.*)", (DOCS / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert words == sorted(words, key=str.lower)
    assert {"None", "Prevalence", "Operating point", "Gate"} < set(words)


def test_pictures_are_described() -> None:
    assert ElementTree.parse(DOCS / "flows.svg").getroot().get("role") == "img"
    for path in [ROOT / "README.md", *DOCS.glob("*.md")]:
        for text, name in re.findall(r"!\[(.*?)\]\((.*?)\)", path.read_text(encoding="utf-8")):
            assert text, path
            assert (path.parent / name).exists(), f"{path}: {name}"
