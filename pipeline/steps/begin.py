"""Begin: write a small project with a label set of its own, ready to be trained and to be changed."""

from importlib import resources
from pathlib import Path

from pipeline.errors import OutputError
from pipeline.files import atomic_path

FILES = {  # of a project, by their place in it; the commands look for these without being told
    "configs/topics.yaml": "topics.yaml",
    "configs/default.yaml": "default.yaml",
    "data/example.jsonl": "example.jsonl",
    "article.txt": "article.txt",
}


def begin(folder: Path) -> None:
    """Write a commented label set, a complete experiment, labelled paragraphs and an article to predict on.

    Parameters
    ----------
    folder : Path
        One that does not exist yet, or an empty one.

    Raises
    ------
    OutputError
        Where the folder holds anything, or cannot be written.

    """
    try:
        if folder.exists() and any(folder.iterdir()):
            raise OutputError(f"{folder}: is not empty; name a new folder")
    except OSError as error:
        raise OutputError(f"{folder}: cannot be used: {error.strerror or error}") from None
    source = resources.files("pipeline") / "project"
    for name, template in FILES.items():
        with atomic_path(folder / name) as part:
            part.write_bytes((source / template).read_bytes())
