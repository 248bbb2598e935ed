"""The formats of a digest: one registry of their names, file endings and writers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from pipeline.archive.digest.rows import Digest


@dataclass(frozen=True, slots=True)
class DigestFormat:
    """How a digest is written.

    Parameters
    ----------
    module, function : str
        The writer; it is imported when it is needed, as are the libraries of its format.
    endings : tuple of str
        Of files.
    binary : bool, default False
        Whether a terminal cannot show it.

    """

    module: str
    function: str
    endings: tuple[str, ...]
    binary: bool = False

    def write(self, digest: Digest) -> bytes:
        """Write a digest.

        Parameters
        ----------
        digest : Digest

        Returns
        -------
        bytes

        """
        writer: Callable[[Digest], bytes] = getattr(
            import_module(f"pipeline.archive.digest.{self.module}"), self.function
        )
        return writer(digest)


FORMATS: Mapping[str, DigestFormat] = {
    "text": DigestFormat("text", "as_text", (".txt", ".text")),
    "md": DigestFormat("markdown", "as_markdown", (".md", ".markdown")),
    "html": DigestFormat("html", "as_html", (".html", ".htm")),
    "docx": DigestFormat("word", "as_docx", (".docx",), binary=True),
    "xlsx": DigestFormat("excel", "as_xlsx", (".xlsx",), binary=True),
    "csv": DigestFormat("delimited", "as_csv", (".csv",)),
    "json": DigestFormat("payload", "as_json", (".json",)),
    "eml": DigestFormat("mail", "as_eml", (".eml",)),
    "atom": DigestFormat("atom", "as_atom", (".atom", ".xml")),
}


def format_of_file(output: Path) -> str | None:
    """Return the format that a file's ending names.

    Parameters
    ----------
    output : Path

    Returns
    -------
    str or None
        None for a name without an ending.

    Raises
    ------
    ValueError
        Where the ending is that of no format.

    """
    ending = output.suffix.lower()
    for name, form in FORMATS.items():
        if ending in form.endings:
            return name
    if not ending:
        return None
    known = ", ".join(ending for form in FORMATS.values() for ending in form.endings)
    raise ValueError(f"no digest is written to {ending}; use {known}, or set --format")
