"""Read Word documents (DOCX)."""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING
from zipfile import BadZipFile

from pipeline.errors import SourceError
from pipeline.schema import Article

if TYPE_CHECKING:
    from docx.document import Document


def read_docx(content: bytes, name: str) -> list[Article]:
    """Read the paragraphs and table cells of a Word document, in order.

    Parameters
    ----------
    content : bytes
    name : str

    Returns
    -------
    list of Article

    Raises
    ------
    SourceError
        Where it cannot be read, or has no text.

    """
    import docx
    from docx.opc.exceptions import OpcError

    try:
        document = docx.Document(io.BytesIO(content))
        text = "\n\n".join(_blocks(document))
        properties = document.core_properties
    except (OpcError, BadZipFile, KeyError, ValueError) as error:
        raise SourceError(f"{name}: not a valid DOCX: {error}") from None
    if not text.strip():
        raise SourceError(f"{name}: DOCX has no text")
    day = properties.modified or properties.created
    return [Article(name, text, title=properties.title or None, date=day.date().isoformat() if day else None)]


def _blocks(document: "Document") -> Iterator[str]:
    from docx.table import Table

    for block in document.iter_inner_content():
        texts = (
            [cell.text for row in block.rows for cell in row.cells] if isinstance(block, Table) else [block.text]
        )
        yield from (" ".join(text.split()) for text in texts if text.strip())
