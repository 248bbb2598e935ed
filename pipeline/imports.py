"""Which modules of this package a module needs: those that travel with a model that MLflow serves.

The rule is Python's own: what a module imports, what that imports, and the packages that these lie in, read from
the source and not run. Imports for the type checker alone do not count; those inside functions do.
"""

import ast
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path


def import_closure(module: Path) -> tuple[Path, ...]:
    """Find the files of a package that one of its modules needs.

    Parameters
    ----------
    module : Path
        A Python file in the package's own folder, not below it.

    Returns
    -------
    tuple of Path
        Relative to the package, sorted, the module among them. A compiled module is none of them: it fits one
        platform, and the numpy fallback answers in its place.

    """
    package, waiting = module.parent, [Path(module.name)]
    found: set[Path] = set()
    while waiting:
        file = waiting.pop()
        if file in found:
            continue
        found.add(file)
        waiting += [parent / "__init__.py" for parent in file.parents]
        for name in _imported(ast.parse((package / file).read_bytes())):
            waiting += _files(name, package)
    return tuple(sorted(found))


def copy_closure(module: Path, folder: Path) -> Path:
    """Copy what `import_closure` finds into a folder, and return the copy of the package there."""
    package, copy = module.parent, folder / module.parent.name
    for file in import_closure(module):
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(package / file, copy / file)
    return copy


def _imported(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted names that code may import when it runs; of `from a import b`, both `a` and `a.b`."""
    if isinstance(tree, ast.Import):
        yield from (alias.name for alias in tree.names)
    elif isinstance(tree, ast.ImportFrom):
        yield str(tree.module)
        yield from (f"{tree.module}.{alias.name}" for alias in tree.names)
    for child in _running(tree):
        yield from _imported(child)


def _running(tree: ast.AST) -> Iterable[ast.AST]:
    """Return the parts of code that run: of `if TYPE_CHECKING`, the `else` alone."""
    if isinstance(tree, ast.If) and ast.unparse(tree.test) == "TYPE_CHECKING":
        return tree.orelse
    return ast.iter_child_nodes(tree)


def _files(name: str, package: Path) -> Iterator[Path]:
    """Yield the file of a module of the package, if the name is one's."""
    top, *parts = name.split(".")
    if top == package.name and parts:
        path = Path(*parts)
        yield from (file for file in (path / "__init__.py", path.with_suffix(".py")) if (package / file).is_file())
