"""Where the databases of a model lie, those of another label set apart, and what is kept for a user."""

import os
from pathlib import Path

from pipeline.errors import OutputError

_USUAL = ("champion", "candidate")


def database_of(model: Path | str, kind: str) -> Path:
    """Choose the file of a model's database of one kind.

    Parameters
    ----------
    model : Path or str
        A bundle, an output directory, or `models:/NAME@ALIAS` or `models:/NAME/VERSION` in MLflow's registry.
    kind : str
        Such as `archive`.

    Returns
    -------
    Path
        In the output directory; beside a bundle of another name than training gives it, a file that has its name,
        too. All versions of a registered model share one, in the user's folder for data.

    """
    if isinstance(model, str):
        name = model.removeprefix("models:").strip("/").partition("@")[0].partition("/")[0]
        return user_folder("XDG_DATA_HOME", ".local/share") / f"{name}.{kind}.sqlite3"
    if not model.is_file():
        return model / f"{kind}.sqlite3"
    return model.with_name(f"{kind}.sqlite3" if model.stem in _USUAL else f"{model.stem}.{kind}.sqlite3")


def user_folder(variable: str, usual: str) -> Path:
    """Find the folder in which this package keeps files of one kind for the user, as freedesktop.org lays down.

    Parameters
    ----------
    variable : str
        Of the environment, such as `XDG_CACHE_HOME`; a relative path in it is ignored.
    usual : str
        What it stands for where it is not set, in the home folder.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        Where the variable is not set, and the user has no home folder.

    """
    folder = Path(os.environ.get(variable, ""))
    try:
        return (folder if folder.is_absolute() else Path.home() / usual) / "paragraph-topics"
    except RuntimeError:
        raise OutputError(f"no home folder: set {variable} to a folder to keep files in") from None
