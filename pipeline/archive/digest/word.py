"""A digest as a Word document, with python-docx: headings to navigate by, and a footnote for each quotation."""

import io
from datetime import UTC
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from pipeline.archive.digest.rows import (
    Digest,
    Entry,
    Section,
    counted,
    day_of,
    enclosed,
    further_topics,
    link,
    place,
    source_of,
    sparkline,
)
from pipeline.errors import MissingExtraError

if TYPE_CHECKING:
    from docx.document import Document
    from docx.text.paragraph import Paragraph

    from pipeline.archive.digest.footnotes import Footnotes

_LANGUAGE = "en-GB"
_WIDTHS = (4.2, 2.0, 2.2, 3.0, 4.6)  # of the table's columns, in centimetres
_RIGHT_TO_LEFT = {"ar", "fa", "he", "ps", "sd", "ug", "ur", "yi"}


def as_docx(digest: Digest) -> bytes:
    """Write a digest as a Word document.

    Parameters
    ----------
    digest : Digest

    Returns
    -------
    bytes
        The same for the same digest.

    Raises
    ------
    MissingExtraError
        Where python-docx is not installed.

    """
    try:
        import docx
    except ModuleNotFoundError:
        raise MissingExtraError("writing DOCX", "digest") from None
    from pipeline.archive.digest.footnotes import Footnotes

    document = docx.Document()
    _describe(document, digest)
    footnotes = Footnotes(document)
    document.add_paragraph(digest.title, style="Title")
    document.add_paragraph(digest.period, style="Subtitle")
    document.add_paragraph(digest.summary)
    _add_counts(document, digest)
    for section in digest.sections:
        _add_section(document, footnotes, digest, section)
    _add_page_numbers(document, digest)
    file = io.BytesIO()
    document.save(file)
    return _undated(file)


def _describe(document: "Document", digest: Digest) -> None:
    """Set properties, language and page; drop the picture of another document that the template carries."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.oxml.ns import qn
    from docx.shared import Cm

    properties, made = document.core_properties, digest.made.astimezone(UTC).replace(tzinfo=None)
    properties.title, properties.subject, properties.language = digest.title, digest.period, _LANGUAGE
    properties.author = properties.last_modified_by = "paragraph-topics"
    properties.comments = properties.keywords = ""
    properties.created = properties.modified = made
    for language in document.styles.element.iter(qn("w:lang")):
        language.set(qn("w:val"), _LANGUAGE)
    page = document.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = Cm(2.5)
    relations = document.part.package.rels
    for name in [name for name, found in relations.items() if found.reltype == RELATIONSHIP_TYPE.THUMBNAIL]:
        del relations[name]


def _add_counts(document: "Document", digest: Digest) -> None:
    if not digest.sections:
        return
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement
    from docx.shared import Cm, Pt

    table = document.add_table(rows=1, cols=len(_WIDTHS), style="Light List Accent 1")
    table.autofit = False
    names = ("Topic", "Stories", "Articles", "Paragraphs", "Last days")
    table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))  # repeated on each page
    rows: list[tuple[str, ...]] = [names]
    for section in digest.sections:
        count = section.count
        numbers = (count.stories, count.articles, count.paragraphs)
        rows.append((section.topic.title, *map(str, numbers), sparkline(section.days)))
    for column, width in zip(table.columns, _WIDTHS, strict=True):
        column.width = Cm(width)
    for number, row in enumerate(rows):
        cells = table.rows[0].cells if number == 0 else table.add_row().cells
        for column, (cell, text) in enumerate(zip(cells, row, strict=True)):
            cell.text, cell.width = text, Cm(_WIDTHS[column])
            if column in (1, 2, 3):
                cell.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.RIGHT
            for run in cell.paragraphs[0].runs:
                run.font.size = Pt(10)


def _add_section(document: "Document", footnotes: "Footnotes", digest: Digest, section: Section) -> None:
    document.add_heading(section.topic.title, 1)
    for heading, entries in section.groups:
        document.add_heading(heading, 2)
        for entry in entries:
            _add_story(document, footnotes, digest, section, entry)
    if section.elsewhere:
        document.add_heading("On this topic, too", 2)
    for entry in section.elsewhere:
        _add_linked(document.add_paragraph(style="List Bullet"), entry.story.title, link(entry.first))


def _add_story(
    document: "Document", footnotes: "Footnotes", digest: Digest, section: Section, entry: Entry
) -> None:
    document.add_heading(entry.story.title, 3)
    told = document.add_paragraph()
    told.paragraph_format.keep_with_next = bool(entry.quotations)
    for number, article in enumerate(entry.story.articles):
        told.add_run("; " if number else "")
        _add_linked(told, enclosed(article.outlet), link(article))
        told.add_run(f", {day_of(article)}")
    if topics := further_topics(digest, section, entry):
        told.add_run(f". Also: {', '.join(topics)}").italic = True
    for quotation in entry.quotations:
        quoted = document.add_paragraph(style="Quote")
        quoted.add_run(quotation.text)
        _set_language(quoted, entry.first.language)
        address = link(entry.first)
        source = source_of(entry, quotation)
        footnotes.add(quoted, f"{source}." if address else f"{source}, {place(entry.first)}.", address)
    if entry.more:
        document.add_paragraph(f"And {counted(entry.more, 'more paragraph')}.")


def _add_linked(paragraph: "Paragraph", text: str, address: str | None) -> None:
    from pipeline.archive.digest.footnotes import add_link

    if address:
        add_link(paragraph, text, address)
    else:
        paragraph.add_run(text)


def _set_language(paragraph: "Paragraph", language: str | None) -> None:
    """Say in which language a quotation is, for spelling and for those who listen to it."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    if language is None:
        return
    from_right = language.partition("-")[0] in _RIGHT_TO_LEFT
    for run in paragraph.runs:
        mark = OxmlElement("w:lang")
        mark.set(qn("w:bidi" if from_right else "w:val"), language)
        if from_right:
            run.font.rtl = True
        run._r.get_or_add_rPr().append(mark)
    if from_right:
        paragraph._p.get_or_add_pPr().append(OxmlElement("w:bidi"))


def _add_page_numbers(document: "Document", digest: Digest) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    footer = document.sections[0].footer.paragraphs[0]
    footer.alignment = WD_ALIGN_PARAGRAPH.CENTER
    footer.add_run(f"{digest.footer} Page ")
    _add_field(footer, "PAGE")
    footer.add_run(" of ")
    _add_field(footer, "NUMPAGES")


def _add_field(paragraph: "Paragraph", name: str) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    field: Any = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), name)
    field.append(paragraph.add_run("1")._r)
    paragraph._p.append(field)


def _undated(file: io.BytesIO) -> bytes:
    """Pack again without the time at which each part was packed."""
    packed = io.BytesIO()
    with ZipFile(file) as source, ZipFile(packed, "w", ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(ZipInfo(name), source.read(name), ZIP_DEFLATED)
    return packed.getvalue()
