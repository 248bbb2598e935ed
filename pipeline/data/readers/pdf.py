"""Read the text of PDF documents."""

import io
import re

from pipeline.errors import SourceError
from pipeline.schema import Article

_HYPHEN = re.compile(r"(?<=[^\W\d_])-\n(?=[a-z])")
_PDF_DATE = re.compile(r"(?:D:)?(\d{4})(\d{2})(\d{2})")


def read_pdf(content: bytes, name: str) -> list[Article]:
    """Read the text of a PDF by its blocks; words hyphenated at the end of a line are joined.

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
    from pdfminer.high_level import extract_text
    from pdfminer.pdfdocument import PDFDocument
    from pdfminer.pdfexceptions import PDFException
    from pdfminer.pdfparser import PDFParser
    from pdfminer.psexceptions import PSException
    from pdfminer.utils import decode_text

    try:
        text = extract_text(io.BytesIO(content))
        properties = next(iter(PDFDocument(PDFParser(io.BytesIO(content))).info), {})
    except (PDFException, PSException, ValueError, TypeError, KeyError, IndexError, AssertionError) as error:
        raise SourceError(f"{name}: not a valid PDF: {type(error).__name__} {error}") from None
    if not text.strip():
        raise SourceError(f"{name}: PDF has no text; run OCR on a scan first")
    info = {
        key: decode_text(properties[key])
        for key in ("Title", "CreationDate")
        if isinstance(properties.get(key), bytes)
    }
    day = _PDF_DATE.match(info.get("CreationDate", ""))
    return [
        Article(
            name,
            _HYPHEN.sub("", text),
            title=info.get("Title") or None,
            date="-".join(day.groups()) if day else None,
        )
    ]
