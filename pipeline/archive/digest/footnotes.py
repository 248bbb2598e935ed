"""Footnotes and links in Word documents, which python-docx reads past and does not write (ECMA-376, 17.11)."""

from typing import Any

from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import XmlPart
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Pt, RGBColor
from docx.text.paragraph import Paragraph

_REFERENCE, _TEXT, _LINK = "footnote reference", "footnote text", "Hyperlink"
_ROOT = f"""<w:footnotes {nsdecls("w", "r")}>
<w:footnote w:type="separator" w:id="-1"><w:p><w:r><w:separator/></w:r></w:p></w:footnote>
<w:footnote w:type="continuationSeparator" w:id="0"><w:p><w:r><w:continuationSeparator/></w:r></w:p></w:footnote>
</w:footnotes>"""
_SETTINGS = f'<w:footnotePr {nsdecls("w")}><w:footnote w:id="-1"/><w:footnote w:id="0"/></w:footnotePr>'


class Footnotes:
    """The footnotes of a new document.

    Parameters
    ----------
    document : Document
        One without footnotes.

    """

    def __init__(self, document: Document) -> None:
        package = document.part.package
        self._part = XmlPart(PackURI("/word/footnotes.xml"), CONTENT_TYPE.WML_FOOTNOTES, parse_xml(_ROOT), package)
        document.part.relate_to(self._part, RELATIONSHIP_TYPE.FOOTNOTES)
        document.settings.element.find(qn("w:compat")).addprevious(parse_xml(_SETTINGS))
        self._styles = _add_styles(document)
        self._last = 0

    def add(self, paragraph: Paragraph, text: str, address: str | None = None) -> None:
        """Add a footnote at the end of a paragraph.

        Parameters
        ----------
        paragraph : Paragraph
        text : str
        address : str or None
            A link after the text.

        """
        self._last += 1
        reference = paragraph.add_run()
        reference.style = self._styles[_REFERENCE]
        reference._r.append(_element("w:footnoteReference", id=str(self._last)))
        note = _element("w:footnote", id=str(self._last))
        self._part.element.append(note)
        note.append(OxmlElement("w:p"))
        written = Paragraph(note[0], self._part)
        self._write(written, text, address)

    def _write(self, written: Paragraph, text: str, address: str | None) -> None:
        properties = written._p.get_or_add_pPr()
        properties.append(_element("w:pStyle", val=self._styles[_TEXT].style_id))
        mark = written.add_run()
        run = OxmlElement("w:rPr")
        run.append(_element("w:rStyle", val=self._styles[_REFERENCE].style_id))
        mark._r.append(run)
        mark._r.append(OxmlElement("w:footnoteRef"))
        written.add_run(f" {text}{' ' if address else ''}")
        if address:
            add_link(written, address, address, self._styles[_LINK].style_id)


def add_link(paragraph: Paragraph, text: str, address: str, style: str = _LINK) -> None:
    """Add a link at the end of a paragraph.

    Parameters
    ----------
    paragraph : Paragraph
    text : str
    address : str
    style : str
        The id of a character style.

    """
    relation = paragraph.part.relate_to(address, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
    link = OxmlElement("w:hyperlink")
    link.set(qn("r:id"), relation)
    run = paragraph.add_run(text)
    properties = run._r.get_or_add_rPr()
    properties.insert(0, _element("w:rStyle", val=style))
    link.append(run._r)
    paragraph._p.append(link)


def _add_styles(document: Document) -> dict[str, Any]:
    """Add the styles that Word knows by these names, which python-docx's template lacks."""
    styles = document.styles
    reference = styles.add_style(_REFERENCE, WD_STYLE_TYPE.CHARACTER, builtin=True)
    reference.font.superscript = True
    text = styles.add_style(_TEXT, WD_STYLE_TYPE.PARAGRAPH, builtin=True)
    text.base_style = styles["Normal"]
    text.font.size = Pt(9)
    text.paragraph_format.space_after = Pt(2)
    link = styles.add_style(_LINK, WD_STYLE_TYPE.CHARACTER, builtin=True)
    link.font.color.rgb, link.font.underline = RGBColor(0x05, 0x63, 0xC1), True
    return {_REFERENCE: reference, _TEXT: text, _LINK: link}


def _element(tag: str, **attributes: str) -> Any:
    made = OxmlElement(tag)
    for name, value in attributes.items():
        made.set(qn(f"w:{name}"), value)
    return made
