import pytest
from small_docx import CORE, NAMESPACES, STRICT, document, p, packed, r, relations, word_file

from pipeline.data import documents
from pipeline.data.readers import word
from pipeline.errors import SourceError
from pipeline.schema import Article
from pipeline.text.paragraphs import split


def article(content: bytes) -> Article:
    (found,) = documents.articles_in(content, "a.docx")
    assert isinstance(found, Article)
    return found


def texts(content: bytes) -> list[str]:
    found = article(content)
    return [found.text[start:end] for start, end in split(found.text)]


def problem(content: bytes, name: str = "a.docx") -> str:
    with pytest.raises(SourceError) as told:
        documents.articles_in(content, name)
    assert "\n" not in str(told.value)
    assert "0x" not in str(told.value)
    return str(told.value)


def cell(*blocks: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{''.join(blocks)}</w:tc>"


def row(*cells: str, properties: str = "") -> str:
    return f"<w:tr><w:trPr>{properties}</w:trPr>{''.join(cells)}</w:tr>"


def table(*rows: str) -> str:
    return f"<w:tbl><w:tblPr/><w:tblGrid/>{''.join(rows)}</w:tbl>"


def control(content: str, properties: str = "") -> str:
    return f"<w:sdt><w:sdtPr>{properties}</w:sdtPr><w:sdtContent>{content}</w:sdtContent></w:sdt>"


def box(*blocks: str) -> str:
    content = f"<w:txbxContent>{''.join(blocks)}</w:txbxContent>"
    return (
        f"<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wps:txbx>{content}</wps:txbx>"
        f"</w:drawing></mc:Choice><mc:Fallback><w:pict><v:textbox>{content}</v:textbox></w:pict></mc:Fallback>"
        "</mc:AlternateContent></w:r>"
    )


def mark(kind: str) -> str:
    return f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'


def inserted(content: str, tag: str = "ins") -> str:
    return f'<w:{tag} w:id="1" w:author="x">{content}</w:{tag}>'


def deleted(text: str, tag: str = "del") -> str:
    return f'<w:{tag} w:id="2" w:author="x"><w:r><w:delText>{text}</w:delText></w:r></w:{tag}>'


BR = "<w:r><w:br/></w:r>"
FIELD = f"{mark('begin')}<w:r><w:instrText>HYPERLINK x</w:instrText></w:r>{mark('separate')}"
MERGED = "<w:vMerge/>"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # tables
        (table(row(cell(p("One."), p("Two."), p("Three.")))), ["One.", "Two.", "Three."]),
        (p("A.") + table(row(cell(p("One.")), cell(p("Two.")))) + p("B."), ["A.", "One.", "Two.", "B."]),
        (
            table(row(cell(p("Out."), table(row(cell(p("In."), p("Deep.")))), p("End.")))),
            ["Out.", "In.", "Deep.", "End."],
        ),
        (
            table(row(cell(p("Once."), properties='<w:gridSpan w:val="3"/>')), row(cell(p("a")), cell(p("b")))),
            ["Once.", "a", "b"],
        ),
        (
            table(
                row(cell(p("Tall."), properties='<w:vMerge w:val="restart"/>'), cell(p("a"))),
                row(cell(p("Tall."), properties='<w:vMerge w:val="continue"/>'), cell(p("b"))),
                row(cell(p(), properties=MERGED), cell(p("c"))),
            ),
            ["Tall.", "a", "b", "c"],
        ),
        (
            table(
                row(
                    cell(p("Wide."), properties='<w:hMerge w:val="restart"/>'),
                    cell(p("Wide."), properties="<w:hMerge/>"),
                )
            ),
            ["Wide."],
        ),
        (
            table(control(row(cell(p("Row.")))), row(control(cell(p("Cell."))), cell(control(p("Block."))))),
            ["Row.", "Cell.", "Block."],
        ),
        (table(row(cell(p("Gone.")), properties=inserted("", "del")), row(cell(p("Kept.")))), ["Kept."]),
        (table(row(cell(p("Kept.")), properties=inserted(""))), ["Kept."]),
        (table(row(cell(p("Gone."), properties=inserted("", "cellDel")), cell(p("Kept.")))), ["Kept."]),
        (table(row(cell(p("Unseen.")), properties="<w:hidden/>"), row(cell(p("Seen.")))), ["Seen."]),
        # tracked changes
        (p("He said ", inserted(r("yes")), deleted("no"), " today."), ["He said yes today."]),
        (p("He ", inserted(r("moved"), "moveTo"), deleted("stood", "moveFrom"), "."), ["He moved."]),
        (p("A", inserted(r("b") + deleted("c")), "d."), ["Abd."]),
        (p(inserted(r("New."))) + p(deleted("Old.")), ["New."]),
        (p("One ", properties=f"<w:rPr>{inserted('', 'del')}</w:rPr>") + p("and two."), ["One and two."]),
        (p("One.", properties=f"<w:rPr>{inserted('')}</w:rPr>") + p("Two."), ["One.", "Two."]),
        (p("A ", properties=f"<w:rPr>{inserted('', 'moveFrom')}</w:rPr>") + p() + p("B."), ["A", "B."]),
        (p(f"<w:del>{r('Gone.')}</w:del>", "Kept."), ["Kept."]),
        (p(r("Bold.", "<w:rPrChange><w:rPr><w:vanish/></w:rPr></w:rPrChange>")), ["Bold."]),
        (
            table(row(cell(p("A", properties=f"<w:rPr>{inserted('', 'del')}</w:rPr>")), cell(p("b")))),
            ["A", "b"],
        ),
        # content controls
        (control(p("One.") + p("Two.")) + p("By ", control(r("the agency"))), ["One.", "Two.", "By the agency"]),
        (control(control(p("Deep ", control(r("down")), "."))), ["Deep down."]),
        (control(p("Click here to enter text."), "<w:showingPlcHdr/>") + p("Text."), ["Text."]),
        (control(p("Filled."), '<w:alias w:val="x"/><w:showingPlcHdr w:val="0"/>'), ["Filled."]),
        (f"<w:customXml>{p('One.')}</w:customXml>", ["One."]),
        (p("A ", f"<w:customXml>{r('b')}</w:customXml>", "."), ["A b."]),
        # breaks, tabs and symbols
        (p("One", BR, "and two."), ["One and two."]),
        (p("One.", BR, BR, "Two."), ["One.", "Two."]),
        (p("One.", BR, " ", BR, BR, "Two."), ["One.", "Two."]),
        (p("One.", "<w:r><w:cr/><w:cr/><w:t>Two.</w:t></w:r>"), ["One.", "Two."]),
        (p("One.", '<w:r><w:br w:type="page"/></w:r>', "Two."), ["One.", "Two."]),
        (p("One.", "<w:r><w:lastRenderedPageBreak/></w:r>", " Still."), ["One. Still."]),
        (p("A", "<w:r><w:tab/></w:r>", "b", '<w:r><w:ptab w:alignment="right"/></w:r>', "c"), ["A b c"]),
        (p("De", "<w:r><w:noBreakHyphen/></w:r>", "min", "<w:r><w:softHyphen/></w:r>", "ing"), ["De-mining"]),
        (p("a", '<w:r><w:sym w:font="x" w:char="2014"/></w:r>', "b"), ["a\u2014b"]),
        (p("a", '<w:r><w:sym w:font="Wingdings" w:char="F0FC"/></w:r>', "b"), ["a b"]),
        (
            p("a", '<w:r><w:sym w:char="D800"/><w:sym w:char="x"/><w:sym/><w:sym w:char="FFFFFFFFF"/></w:r>', "b"),
            ["a b"],
        ),
        (p("One\nand\r\ntwo."), ["One and two."]),
        (p(" \u00a0 ") + p() + p("Text.") + "<w:p/>", ["Text."]),
        # text boxes and alternatives
        (p("Around.", box(p("In."), p("Two."))) + p("After."), ["Around.", "In.", "Two.", "After."]),
        (p("A ", box(p("In ", box(p("deep.")), "it.")), "b."), ["A b.", "In it.", "deep."]),
        (
            p(f"<w:r><w:pict><v:textbox><w:txbxContent>{p('Old.')}</w:txbxContent></v:textbox></w:pict></w:r>"),
            ["Old."],
        ),
        (p(f"<mc:AlternateContent><mc:Fallback>{r('Only.')}</mc:Fallback></mc:AlternateContent>"), ["Only."]),
        (
            p(
                f"<mc:AlternateContent><mc:Choice>{r('1')}</mc:Choice><mc:Choice>{r('2')}</mc:Choice></mc:AlternateContent>"
            ),
            ["1"],
        ),
        (
            p(
                f"<mc:AlternateContent><mc:Choice>{r('1')}<mc:AlternateContent/></mc:Choice>"
                f"<mc:Fallback>{r('2')}</mc:Fallback></mc:AlternateContent>"
            ),
            ["1"],
        ),
        # links, tags, fields
        (p("See ", f"<w:hyperlink>{r('the page')}</w:hyperlink>", "."), ["See the page."]),
        (
            p(f"<w:smartTag><w:smartTagPr/><w:smartTag>{r('Baku')}</w:smartTag></w:smartTag>", " today."),
            ["Baku today."],
        ),
        (p(f"<w:dir w:val='rtl'><w:bdo w:val='rtl'>{r('Salam')}</w:bdo></w:dir>"), ["Salam"]),
        (p("See ", FIELD, "the page", mark("end"), "."), ["See the page."]),
        (p("On ", f'<w:fldSimple w:instr="DATE">{r("4 March")}</w:fldSimple>', "."), ["On 4 March."]),
        (p("A", mark("begin"), "IF ", FIELD, "x", mark("end"), mark("separate"), "b", mark("end"), "c"), ["Abc"]),
        (p(FIELD, "One.") + p("Two.", mark("end")) + p("Three."), ["One.", "Two.", "Three."]),
        (p("A", mark("begin"), "lost") + p(mark("end"), mark("separate"), "Text."), ["A", "Text."]),
        (p("A", mark("begin"), "lost") + p("Text."), ["A", "Text."]),
        # hidden text and what stands over words
        (p("Seen", r(" unseen", "<w:b/><w:vanish/>"), "."), ["Seen."]),
        (p(r("Seen.", '<w:vanish w:val="0"/>')), ["Seen."]),
        (
            p(f"<w:r><w:ruby><w:rubyPr/><w:rt>{r('kan')}</w:rt><w:rubyBase>{r('漢')}</w:rubyBase></w:ruby></w:r>"),
            ["漢"],
        ),
        (p("Water is ", "<m:oMath><m:r><m:t>H2O</m:t></m:r></m:oMath>", "."), ["Water is H2O."]),
        (p("Said.", '<w:commentRangeStart w:id="0"/><w:r><w:commentReference w:id="0"/></w:r>'), ["Said."]),
        (
            p("T", properties='<w:framePr w:dropCap="drop"/>')
            + p("he end.", properties="<w:tabs><w:tab/></w:tabs>"),
            ["The end."],
        ),
        (p("Item.", properties='<w:numPr><w:ilvl w:val="0"/></w:numPr>') + p("Next."), ["Item.", "Next."]),
    ],
)
def test_the_paragraphs_are_those_that_one_sees(body: str, expected: list[str]) -> None:
    main, relationships = document(body), relations(officeDocument="word/document.xml")
    assert texts(word_file(body)) == expected
    for loose, strict in STRICT.items():
        main, relationships = main.replace(loose, strict), relationships.replace(loose, strict)
    assert texts(packed({"_rels/.rels": relationships, "word/document.xml": main})) == expected


def notes(kind: str, **paragraphs: str) -> str:
    inner = "".join(f'<w:{kind} w:id="{key[1:]}">{blocks}</w:{kind}>' for key, blocks in paragraphs.items())
    return f"<w:{kind}s {NAMESPACES}>{inner}</w:{kind}s>"


def reference(kind: str, number: int) -> str:
    return f'<w:r><w:{kind}Reference w:id="{number}"/></w:r>'


def test_notes_that_the_text_refers_to_come_last_in_its_order() -> None:
    body = p(
        "Text", reference("endnote", 1), " goes", reference("footnote", 3), " on", reference("footnote", 2), "."
    )
    body += p(f"<w:del>{reference('footnote', 4)}</w:del>")
    footnotes = notes("footnote", n0=p("Rule"), n2=p("Second."), n3=p("First.") + p("More."), n4=p("Deleted."))
    content = word_file(body, footnotes=footnotes, endnotes=notes("endnote", n1=p("End.")))
    assert texts(content) == ["Text goes on.", "First.", "More.", "Second.", "End."]


def test_headers_footers_and_comments_are_no_text() -> None:
    other = f"<w:hdr {NAMESPACES}>{p('Page one')}</w:hdr>"
    body = p("Text.") + '<w:sectPr><w:headerReference w:type="default"/></w:sectPr>'
    assert texts(word_file(body, header1=other, footer1=other, comments=other)) == ["Text."]


def test_parts_are_found_by_their_relationships() -> None:
    content = packed(
        {
            "_rels/.rels": relations(officeDocument="/word/document2.xml"),
            "word\\document2.xml": document(p("Text", reference("footnote", 1), ".")),
            "word/_rels/document2.xml.rels": relations(footnotes="notes/feet.xml"),
            "word/notes/feet.xml": notes("footnote", n1=p("Note.")),
        }
    )
    assert texts(content) == ["Text.", "Note."]
    assert article(content).notes == ()


def test_the_title_and_the_day_of_the_last_change_are_its_properties() -> None:
    found = article(word_file(p("Text.")))
    assert (found.title, found.date, found.notes) == ("Mines cleared", "2025-03-04", ())


@pytest.mark.parametrize(
    ("core", "title", "date", "noted"),
    [
        (CORE.replace("2025-03-04T", "Tuesday, "), "Mines cleared", "2025-03-01", ()),
        (CORE.replace("Mines  cleared", " "), None, "2025-03-04", ()),
        ("<broken", None, None, ("its title and date are unknown: docProps/core.xml is not well-formed XML",)),
    ],
)
def test_bad_properties_cost_the_title_and_the_date_alone(
    core: str, title: str | None, date: str | None, noted: tuple[str, ...]
) -> None:
    found = article(packed({"word/document.xml": document(p("Text.")), "docProps/core.xml": core}))
    assert (found.text, found.title, found.date) == ("Text.", title, date)
    assert tuple(note.partition(": unclosed")[0] for note in found.notes) == noted


@pytest.mark.parametrize(
    ("body", "noted"),
    [
        (p("A", deleted("b")), "tracked changes are read as if they were accepted"),
        (p("A", inserted(r("b"))), "tracked changes are read as if they were accepted"),
        (p("A", r("b", "<w:vanish/>")), "hidden text is left out"),
        (p("A") + '<w:altChunk xmlns:r="urn:r" r:id="rId1"/>', "a document embedded in it is left out"),
        (p("A", reference("footnote", 1)), "its footnotes are left out: no word/footnotes.xml in it"),
    ],
)
def test_what_is_left_out_or_in_doubt_is_noted(body: str, noted: str) -> None:
    assert article(word_file(body)).notes == (noted,)


def test_a_document_in_utf16_is_read() -> None:
    main = document(p("Text.")).replace("UTF-8", "UTF-16").encode("utf-16")
    assert texts(packed({"word/document.xml": main})) == ["Text."]


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'


def damaged(content: bytes) -> bytes:
    at = content.index(b"word/document.xml") + len("word/document.xml") + 20
    return content[:at] + bytes(byte ^ 0xFF for byte in content[at : at + 30]) + content[at + 30 :]


def encrypted(content: bytes) -> bytes:
    """Set the bit of encrypted members in the archive's directory and before each member."""
    for magic, place in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        parts = content.split(magic)
        content = magic.join(
            [parts[0], *(x[: place - 4] + bytes([x[place - 4] | 1]) + x[place - 3 :] for x in parts[1:])]
        )
    return content


def other_package(main: str) -> bytes:
    return packed({"_rels/.rels": relations(officeDocument=main), main: ""})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (OLE, "this is an old Word document"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "this document is protected by a password"),
        (encrypted(word_file(p("Text."))), "this document is protected by a password"),
        (rb"{\rtf1\ansi Text.}", "this is RTF"),
        (b"\xef\xbb\xbf <!doctype html><p>Text.</p>", "this is HTML or XML"),
        (b"Just words.", "this is plain text"),
        (b"\0\1\2", "damaged or cut short: File is not a zip file"),
        (packed({"mimetype": "x", "content.xml": "<x/>"}), "this is an OpenDocument file"),
        (packed({"META-INF/container.xml": "<x/>"}), "this is an EPUB book"),
        (other_package("xl/workbook.xml"), "this is an Excel workbook"),
        (other_package("ppt/presentation.xml"), "this is a PowerPoint presentation"),
        (packed({"photo.txt": "x"}), "no word/document.xml in it"),
        (packed({}), "no word/document.xml in it"),
        (packed({"word/document.xml": "<w:hdr xmlns:w='urn:x'/>"}), "its main part is not a Word document"),
        (
            packed({"word/document.xml": document(p("A"))[:-20]}),
            "word/document.xml is not well-formed XML: unclosed",
        ),
        (packed({"word/document.xml": ENTITIES + document(p("&b;"))[38:]}), "it declares a document type"),
        (
            packed({"word/document.xml": '<?xml version="1.0" encoding="x-none"?><a/>'}),
            "word/document.xml is not well-formed XML: unknown encoding",
        ),
        (word_file("<w:sdt>" * 600), "more than 500 elements stand one in another"),
        (word_file(p("Text."))[:-60], "damaged or cut short"),
        (damaged(word_file(p("Text. " * 99))), "damaged: Error -3"),
    ],
)
def test_what_is_no_readable_word_document_is_said_in_one_line(content: bytes, said: str) -> None:
    assert problem(content).startswith(f"a.docx: not a valid DOCX: {said}")


def test_an_old_word_document_is_known_by_its_first_bytes() -> None:
    assert "save it as DOCX" in problem(OLE, "a.doc")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (p(" "), "DOCX has no text"),
        ("", "DOCX has no text"),
        (p(r("Unseen.", "<w:vanish/>")), "DOCX has no text; hidden text is left out"),
        ("<w:altChunk/>", "DOCX has no text; a document embedded in it is left out"),
    ],
)
def test_a_document_without_text_says_why(body: str, said: str) -> None:
    assert problem(word_file(body)) == f"a.docx: {said}"


def test_a_part_that_unpacks_to_more_than_is_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = word_file(p("Text. " * 400_000))
    assert article(content).text.startswith("Text. Text.")
    monkeypatch.setattr(word, "LARGEST_PART", 2**20)
    assert problem(content).endswith("word/document.xml unpacks to 2 MB, at most 1 are read")
