"""Where the labels of people are kept: beside their model, so that those of another label set stay apart."""

import os
from pathlib import Path

_NAME = "annotations.sqlite3"
_FORMER = "corrections.sqlite3"  # what earlier versions called it


def beside(model: Path) -> Path:
    """Choose the file of annotations of a model's label set.

    Parameters
    ----------
    model : Path
        A bundle, or an output directory.

    Returns
    -------
    Path
        In that directory; beside a bundle of another name than training gives it, a file that has its name too.

    """
    if not model.is_file():
        return model / _NAME
    if model.stem in ("champion", "candidate"):
        return model.with_name(_NAME)
    return model.with_name(f"{model.stem}.{_NAME}")


def of_registered(address: str) -> Path:
    """Choose the file of annotations of a model in MLflow's registry: all its versions share it.

    Parameters
    ----------
    address : str
        `models:/NAME@ALIAS` or `models:/NAME/VERSION`.

    Returns
    -------
    Path
        In the user's folder for data, named by the model.

    """
    name = address.removeprefix("models:").strip("/").partition("@")[0].partition("/")[0]
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    return Path(data) / "paragraph-topics" / f"{name}.{_NAME}"


def former(path: Path) -> Path | None:
    """Name the file in which an earlier version kept the corrections that belong into a file of annotations.

    Parameters
    ----------
    path : Path
        A file of annotations.

    Returns
    -------
    Path or None
        None where the file has a name of somebody's own.

    """
    return path.with_name(path.name.removesuffix(_NAME) + _FORMER) if path.name.endswith(_NAME) else None
