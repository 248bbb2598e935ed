"""Read and write YAML without surprises: scalars as YAML 1.2 knows them, and no key twice."""

import re
from typing import Any

import yaml

_CORE = (  # YAML 1.2, core schema: tag, pattern, first characters
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+."),
)


class _Loader(yaml.SafeLoader):
    """In YAML 1.1, PyYAML's own, `1e-3` is text, `no` is false, and the last of two equal keys wins."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # PyYAML's name; filled below

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002  # PyYAML's
        """Construct a mapping; raise MarkedYAMLError where a key is there before."""
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.MarkedYAMLError(None, None, f"key {key.value!r} is given twice", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


class _Dumper(yaml.SafeDumper):
    """Quotes text that YAML 1.1 or 1.2 takes for another type, so that both read the same."""


for _tag, _pattern, _first in _CORE:
    for _class in (_Loader, _Dumper):
        _starts = [*_first, ""] if _tag == "null" else list(_first)
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$"), _starts)


def load(text: str) -> Any:
    """Read one document; raise ValueError with the line and what is wrong there."""
    try:
        return yaml.load(text, _Loader)  # it is a safe one
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        place = f"line {mark.line + 1}: " if mark else ""
        raise ValueError(f"{place}not valid YAML: {' '.join(str(problem or error).split())}") from None
    except RecursionError:
        raise ValueError("not valid YAML: nested too deep") from None


def dump(content: Any) -> str:
    """Write what `load` reads back."""
    return str(yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True))
