"""Where the databases of a model lie: those of another label set stay apart."""

import os
from pathlib import Path

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
        data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
        return Path(data) / "paragraph-topics" / f"{name}.{kind}.sqlite3"
    if not model.is_file():
        return model / f"{kind}.sqlite3"
    return model.with_name(f"{kind}.sqlite3" if model.stem in _USUAL else f"{model.stem}.{kind}.sqlite3")
