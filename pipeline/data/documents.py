"""PDF and DOCX files to articles, by readers that are installed with the extra `documents`."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from zipfile import BadZipFile

from pipeline.errors import SourceError
from pipeline.schema import Article

if TYPE_CHECKING:
    from docx.document import Document

_HYPHEN = re.compile(r"(?<=[^\W\d_])-\n(?=[a-z])")
_PDF_DATE = re.compile(r"(?:D:)?(\d{4})(\d{2})(\d{2})")


def read_pdf(content: bytes, name: str) -> list[Article]:
    """Take the text of a PDF by its blocks; a word divided at the end of a line is joined."""
    with _reader(name, "PDF"):
        from pdfminer.high_level import extract_text
        from pdfminer.pdfdocument import PDFDocument
        from pdfminer.pdfexceptions import PDFException
        from pdfminer.pdfparser import PDFParser
        from pdfminer.psexceptions import PSException
        from pdfminer.utils import decode_text
    try:
        text = extract_text(io.BytesIO(content))
        facts = next(iter(PDFDocument(PDFParser(io.BytesIO(content))).info), {})
    except (PDFException, PSException, ValueError, TypeError, KeyError, IndexError, AssertionError) as error:
        raise SourceError(f"{name}: not a readable PDF: {type(error).__name__} {error}") from None
    if not text.strip():
        raise SourceError(f"{name}: a PDF without text; a scan needs character recognition first")
    said = {key: decode_text(facts[key]) for key in ("Title", "CreationDate") if isinstance(facts.get(key), bytes)}
    day = _PDF_DATE.match(said.get("CreationDate", ""))
    return [
        Article(
            name,
            _HYPHEN.sub("", text),
            title=said.get("Title") or None,
            date="-".join(day.groups()) if day else None,
        )
    ]


def read_docx(content: bytes, name: str) -> list[Article]:
    """Take the paragraphs and table cells of a Word document, in order."""
    with _reader(name, "DOCX"):
        import docx
        from docx.opc.exceptions import OpcError
    try:
        document = docx.Document(io.BytesIO(content))
        text = "\n\n".join(_blocks(document))
        facts = document.core_properties
    except (OpcError, BadZipFile, KeyError, ValueError) as error:
        raise SourceError(f"{name}: not a readable DOCX: {error}") from None
    if not text.strip():
        raise SourceError(f"{name}: a DOCX without text")
    day = facts.modified or facts.created
    return [Article(name, text, title=facts.title or None, date=day.date().isoformat() if day else None)]


def _blocks(document: "Document") -> Iterator[str]:
    from docx.table import Table

    for block in document.iter_inner_content():
        texts = (
            [cell.text for row in block.rows for cell in row.cells] if isinstance(block, Table) else [block.text]
        )
        yield from (" ".join(text.split()) for text in texts if text.strip())


@contextmanager
def _reader(name: str, kind: str) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError:
        raise SourceError(
            f"{name}: reading {kind} needs more: pip install 'paragraph-topics[documents]'"
        ) from None
