"""Read Word documents (DOCX): the text that a person who opens the document sees, paragraph by paragraph.

The parts of the package are streamed through expat, so that a document costs no more memory than its text, and
entities, which such documents must not declare, are refused. Elements keep the names that ECMA-376 gives them.
"""

import io
import posixpath
import re
import zlib
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

from pipeline.errors import SourceError
from pipeline.schema import Article

LARGEST_PART = 100 * 2**20
"""Bytes that a part of a package may unpack to."""
DEEPEST = 500
"""Elements that may stand one in another."""

_WORD = (
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "http://purl.oclc.org/ooxml/wordprocessingml/main",
)
_PREFIXES = {
    **dict.fromkeys(_WORD, ""),
    "http://schemas.openxmlformats.org/markup-compatibility/2006": "mc:",
    "http://schemas.openxmlformats.org/officeDocument/2006/math": "m:",
    "http://purl.oclc.org/ooxml/officeDocument/math": "m:",
}
_BLANK = re.compile(r"\s+")
_PARTED = re.compile(r"\n\s*\n|\f")
_OTHER_FORMATS = (
    (b"{\\rtf", "this is RTF; save it as DOCX"),
    (b"<", "this is HTML or XML"),
)
_OTHER_PACKAGES = (
    ("xl/", "this is an Excel workbook"),
    ("ppt/", "this is a PowerPoint presentation"),
    ("content.xml", "this is an OpenDocument file such as ODT; save it as DOCX"),
    ("meta-inf/container.xml", "this is an EPUB book"),
)
_PROTECTED = "this document is protected by a password; save it without one"
_OLD = "this is an old Word document (.doc); save it as DOCX"


def read_docx(content: bytes, name: str) -> list[Article]:
    """Read the text of a Word document: body, tables cell by cell, text boxes, then footnotes and endnotes.

    Tracked changes are read as accepted. Comments, headers and footers, hidden text, the instructions of fields
    and the prompts of empty content controls are not text.

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
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            return [_article(_Package(archive), name)]
    except BadZipFile as error:
        problem = _what_it_is(content) or f"damaged or cut short: {error}"
    except (_UnreadableError, zlib.error, EOFError) as error:
        problem = str(error) if isinstance(error, _UnreadableError) else f"damaged: {error}"
    raise SourceError(f"{name}: not a valid DOCX: {problem}")


class _UnreadableError(Exception):
    """Why a document or a part of it cannot be read, without the file's name."""


def _article(package: "_Package", name: str) -> Article:
    main = package.main()
    story = _Story()
    package.parse(main, story.start, story.end, story.text)
    if story.root != "document":
        raise _UnreadableError("its main part is not a Word document")
    notes = [note for kind in ("footnotes", "endnotes") for note in _endings(package, main, kind, story)]
    text = "\n\n".join(text for paragraph in [*story.paragraphs, *notes] for text in paragraph.texts())
    if not text:
        raise SourceError("; ".join((f"{name}: DOCX has no text", *story.remarks)))
    properties = _properties(package, story.remarks)
    day = _day(properties.get("modified", "")) or _day(properties.get("created", ""))
    return Article(name, text, properties.get("title") or None, day, notes=tuple(story.remarks))


def _endings(package: "_Package", main: str, kind: str, story: "_Story") -> Iterable["_Paragraph"]:
    """Return the paragraphs of the footnotes or endnotes that the text refers to, in the text's order."""
    wanted = story.references[kind]
    if not wanted:
        return ()
    found = _Story()
    try:
        package.parse(package.related(main, kind), found.start, found.end, found.text)
    except (_UnreadableError, BadZipFile, zlib.error, EOFError) as error:
        story.remark(f"its {kind} are left out: {error}")
    return [paragraph for number in wanted for paragraph in found.notes.get(number, ())]


def _properties(package: "_Package", remarks: dict[str, None]) -> dict[str, str]:
    """Return the texts of the document's properties by their names."""
    leaves: dict[str, str] = {}
    path: list[str] = []

    def text(characters: str) -> None:
        leaves[path[-1]] = f"{leaves.get(path[-1], '')}{characters}"

    try:
        part = package.related("", "core-properties")
        if package.has(part):
            package.parse(part, lambda name, _: path.append(_local(name)), lambda _: path.pop(), text)
    except (_UnreadableError, BadZipFile, zlib.error, EOFError) as error:
        remarks[f"its title and date are unknown: {error}"] = None
    return {name: " ".join(value.split()) for name, value in leaves.items()}


def _day(written: str) -> str | None:
    try:
        return date.fromisoformat(written[:10]).isoformat()
    except ValueError:
        return None


def _what_it_is(content: bytes) -> str | None:
    """Tell formats that are no ZIP archive and come with the name of a Word document."""
    start = content[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        return _PROTECTED if "EncryptedPackage".encode("utf-16-le") in content else _OLD
    known = next((what for magic, what in _OTHER_FORMATS if start.startswith(magic)), None)
    return known or (None if b"\0" in content or start.startswith(b"PK") else "this is plain text")


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


class _Package:
    """The parts of a document, found by their relationships."""

    _USUAL: ClassVar = {
        "officeDocument": "word/document.xml",
        "core-properties": "docProps/core.xml",
        "footnotes": "footnotes.xml",
        "endnotes": "endnotes.xml",
    }

    def __init__(self, archive: ZipFile) -> None:
        self.archive = archive
        self.parts = {self._key(info.filename): info for info in archive.infolist()}

    def main(self) -> str:
        """Return the name of the part that has the document's body."""
        part = self.related("", "officeDocument")
        usual = self._USUAL["officeDocument"]
        found = next((name for name in (part, usual) if self.has(name) and name.lower().startswith("word/")), part)
        for start, what in _OTHER_PACKAGES:
            if found.lower().startswith(start) or (
                not self.has(found) and any(key.startswith(start) for key in self.parts)
            ):
                raise _UnreadableError(what)
        if not self.has(found):
            raise _UnreadableError(f"no {found} in it")
        return found

    def has(self, part: str) -> bool:
        """Tell whether there is such a part."""
        return self._key(part) in self.parts

    def related(self, part: str, kind: str) -> str:
        """Return the name of the part that one, or the package (""), refers to, else that part's usual name."""
        folder, base = posixpath.split(part)
        relations, targets = f"{folder}/_rels/{base}.rels", {}

        def start(name: str, attributes: Mapping[str, str]) -> None:
            if _local(name) == "Relationship" and attributes.get("TargetMode") != "External":
                targets[attributes.get("Type", "").rpartition("/")[2]] = attributes.get("Target", "")

        if self.has(relations):
            self.parse(relations, start)
        target = ChainMap(targets, self._USUAL)[kind]
        return posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")

    def parse(
        self,
        part: str,
        start: Callable[[str, Mapping[str, str]], object],
        end: Callable[[str], object] | None = None,
        text: Callable[[str], object] | None = None,
    ) -> None:
        """Send the elements and the text of a part to functions, each name as "namespace name"."""
        info = self.parts.get(self._key(part))
        if info is None:
            raise _UnreadableError(f"no {part} in it")
        if info.flag_bits & 1:
            raise _UnreadableError(_PROTECTED)
        if info.file_size > LARGEST_PART:
            raise _UnreadableError(
                f"{part} unpacks to {info.file_size >> 20} MB, at most {LARGEST_PART >> 20} are read"
            )
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
        parser.StartDoctypeDeclHandler = _refuse_entities
        try:
            with self.archive.open(info) as file:
                parser.ParseFile(file)
        except (expat.ExpatError, LookupError) as error:  # the latter is an encoding that is not known
            raise _UnreadableError(f"{part} is not well-formed XML: {error}") from None

    @staticmethod
    def _key(name: str) -> str:
        return name.replace("\\", "/").lstrip("/").lower()


def _refuse_entities(*_: object) -> None:
    raise _UnreadableError("it declares a document type, which no Word document does")


@dataclass(slots=True)
class _Paragraph:
    """The pieces of a paragraph's text; one that `joins` goes on in the next, as its mark is deleted."""

    pieces: list[str] = field(default_factory=list)
    joins: bool = False

    def texts(self) -> list[str]:
        """Return its text, parted at page breaks and where two line breaks stand together."""
        parts = (_BLANK.sub(" ", part).strip() for part in _PARTED.split("".join(self.pieces)))
        return [part for part in parts if part]


class _Tags(dict[str, str]):
    """The names of elements as expat gives them, shortened: "p" of Word, "mc:Choice", "m:t", and "" for others."""

    def __missing__(self, name: str) -> str:
        space, _, local = name.rpartition(" ")
        self[name] = tag = f"{_PREFIXES[space]}{local}" if space in _PREFIXES else ""
        return tag


class _Story:
    """What is seen of a body, or of footnotes: it takes elements one by one, and keeps the paragraphs."""

    def __init__(self) -> None:
        self.root = ""
        self.paragraphs: list[_Paragraph] = []
        self.notes: dict[str, list[_Paragraph]] = {}
        self.references: dict[str, dict[str, None]] = {"footnotes": {}, "endnotes": {}}
        self.remarks: dict[str, None] = {}
        self._tags = _Tags()
        self._path: list[str] = ["", ""]
        self._open: list[_Paragraph] = []
        self._unended: _Paragraph | None = None
        self._hidden = 0
        self._chosen: list[bool] = []
        self._fields: list[bool] = []
        self._instructions = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Take the start of an element."""
        tag = self._tags[name]
        self.root = self.root or tag
        self._path.append(tag)
        if len(self._path) > DEEPEST:
            raise _UnreadableError(f"more than {DEEPEST} elements stand one in another")
        if not self._hidden and tag in self._STARTS:
            self._STARTS[tag](self, {_local(key): value for key, value in attributes.items()})

    def end(self, _: str) -> None:
        """Take the end of an element."""
        depth, tag = len(self._path), self._path.pop()
        if depth == self._hidden:
            self._hidden = 0
        elif self._hidden:
            return
        elif tag == "p":
            self._close_paragraph()
        elif tag == "tc":
            self._unended = None
        elif tag == "mc:AlternateContent":
            self._chosen.pop()

    def text(self, characters: str) -> None:
        """Take a stretch of text."""
        if self._path[-1] in ("t", "m:t"):
            self._write(characters.replace("\n", " "))

    def remark(self, sentence: str) -> None:
        """Note what was left out."""
        self.remarks[sentence] = None

    def _write(self, piece: str) -> None:
        if self._open and not self._hidden and not self._instructions:
            self._open[-1].pieces.append(piece)

    def _hide(self, *, above: int = 0) -> None:
        self._hidden = len(self._path) - above

    def _open_paragraph(self, _: Mapping[str, str]) -> None:
        paragraph, self._unended = self._unended or _Paragraph(), None
        if not paragraph.joins:
            self.paragraphs.append(paragraph)
        paragraph.joins = False
        self._open.append(paragraph)

    def _close_paragraph(self) -> None:
        paragraph = self._open.pop()
        if paragraph.joins:
            self._unended = paragraph
        elif not paragraph.pieces and self.paragraphs and self.paragraphs[-1] is paragraph:
            self.paragraphs.pop()
        while not self._open and self._fields and not self._fields[-1]:  # a damaged field hides no further text
            self._fields.pop()
            self._instructions -= 1

    def _break(self, attributes: Mapping[str, str]) -> None:
        self._write("\f" if attributes.get("type") in ("page", "column") else "\n")

    def _tab(self, _: Mapping[str, str]) -> None:
        if self._path[-2] == "r":  # those of a paragraph's properties are tab stops
            self._write(" ")

    def _symbol(self, attributes: Mapping[str, str]) -> None:
        try:
            character = chr(int(attributes.get("char", ""), 16))
        except (ValueError, OverflowError):
            character = ""
        self._write(character if character.isprintable() else " ")  # private codes are pictures of a symbol font

    def _field(self, attributes: Mapping[str, str]) -> None:
        kind = attributes.get("fldCharType")
        if kind == "begin":
            self._fields.append(False)
            self._instructions += 1
        elif kind and self._fields:
            self._instructions -= not self._fields.pop()
            if kind == "separate":
                self._fields.append(True)

    def _deletion(self, _: Mapping[str, str]) -> None:
        parents = self._path[-3:-1]
        if parents == ["pPr", "rPr"] and self._open:
            self._open[-1].joins = True
        elif parents[1] not in ("rPr", "trPr"):
            self._hide()
        elif parents[1] == "trPr":
            self._hide(above=2)
        self.remark("tracked changes are read as if they were accepted")

    def _insertion(self, _: Mapping[str, str]) -> None:
        self.remark("tracked changes are read as if they were accepted")

    def _frame(self, attributes: Mapping[str, str]) -> None:
        if attributes.get("dropCap", "none") != "none" and self._path[-2] == "pPr" and self._open:
            self._open[-1].joins = True

    def _property(self, attributes: Mapping[str, str]) -> None:
        """Take what hides the row, cell, run or control whose property it is."""
        owner, holder, tag = self._path[-3:]
        if (owner, holder) not in _OWNERS or attributes.get("val") in ("0", "false", "off", "restart"):
            return
        self._hide(above=2)
        if tag in ("vanish", "hidden"):
            self.remark("hidden text is left out")

    def _reference(self, attributes: Mapping[str, str]) -> None:
        kind = self._path[-1].removesuffix("Reference") + "s"
        self.references[kind][attributes.get("id", "")] = None

    def _note(self, attributes: Mapping[str, str]) -> None:
        self.paragraphs = self.notes.setdefault(attributes.get("id", ""), [])

    def _alternatives(self, _: Mapping[str, str]) -> None:
        self._chosen.append(False)

    def _alternative(self, _: Mapping[str, str]) -> None:
        if self._chosen and self._chosen[-1]:
            self._hide()
        elif self._chosen:
            self._chosen[-1] = True

    def _embedded(self, _: Mapping[str, str]) -> None:
        self.remark("a document embedded in it is left out")

    _STARTS: ClassVar[dict[str, Callable[["_Story", Mapping[str, str]], None]]] = {
        "p": _open_paragraph,
        "br": _break,
        "cr": _break,
        "tab": _tab,
        "ptab": _tab,
        "noBreakHyphen": lambda self, _: self._write("-"),
        "sym": _symbol,
        "fldChar": _field,
        "del": _deletion,
        "moveFrom": _deletion,
        "ins": _insertion,
        "moveTo": _insertion,
        "framePr": _frame,
        "rt": lambda self, _: self._hide(),
        **dict.fromkeys(("pPrChange", "rPrChange", "trPrChange", "tcPrChange"), lambda self, _: self._hide()),
        **dict.fromkeys(("vanish", "hidden", "cellDel", "vMerge", "hMerge", "showingPlcHdr"), _property),
        "footnoteReference": _reference,
        "endnoteReference": _reference,
        "footnote": _note,
        "endnote": _note,
        "mc:AlternateContent": _alternatives,
        "mc:Choice": _alternative,
        "mc:Fallback": _alternative,
        "altChunk": _embedded,
        "subDoc": _embedded,
    }


_OWNERS = frozenset({("r", "rPr"), ("tr", "trPr"), ("tc", "tcPr"), ("sdt", "sdtPr")})
"""Elements with the element of their properties."""
