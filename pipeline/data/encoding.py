"""Recognise the encoding of text: Unicode by its marks and zero bytes, older encodings by their letters."""

import codecs
import re

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark begins it
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_PUNCTUATION = frozenset("\xa0\u2018\u2019\u201a\u201c\u201d\u201e\u2013\u2014\u2026«»°№•©®™§")
_CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюяё"
_LATIN = {
    "windows-1252": "àâäçèéêëîïñôöùûüáíóúßåæøãõœÀÂÄÇÈÉÊÎÑÔÖÜÁÍÓÚÅÆØ",
    "windows-1254": "âçğıîöşüûÂÇĞİÎÖŞÜ",
    "windows-1250": "áäąćčďęěéíłľńňóôöőřšśťúůüűýžźżÁČĎÉŁŘŠŚŽŻ",
}
_OTHER_SCRIPTS = {
    "windows-1251": _CYRILLIC,
    "koi8-r": _CYRILLIC,
    "cp866": _CYRILLIC,
    "windows-1253": "αβγδεζηθικλμνξοπρςστυφχψωάέήίόύώ",
    "windows-1256": "ابتثجحخدذرزسشصضطظعغفقكلمنهويىةأإآءئؤ",
}
_WORD = re.compile(r"[^\W\d_]+")
_ENOUGH = 1 << 16  # bytes with letters beyond ASCII that tell an encoding
_CHARACTERS = 1000  # that must be printable where UTF-16 is without a mark
_PLAIN_TEXT = 0.6  # share of its letters, at least, that fit an encoding


def unicode_encoding(start: bytes, *, more: bool = False) -> str | None:
    """Recognise UTF-8, UTF-16 and UTF-32 by the first bytes of a text.

    Parameters
    ----------
    start : bytes
    more : bool, default False
        Whether the text goes on, so that the last character may be incomplete.

    Returns
    -------
    str or None
        A codec that also drops a byte order mark; None where the bytes are in no such encoding. A text with a few
        damaged lines among others in UTF-8 is UTF-8.

    """
    marked = next((codec for mark, codec in _MARKS.items() if start.startswith(mark)), None)
    if marked:
        return marked
    if b"\0" in start and (codec := _without_mark(start, more=more)):
        return codec
    return "utf-8-sig" if _is_mostly_utf_8(start, more=more) else None


def likely_encoding(content: bytes) -> str | None:
    """Guess the 8-bit encoding of a text that is not Unicode, by the letters that are common in each.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    str or None
        A guess to tell the user of, not one to read by: that could give wrong letters without a word.

    """
    lines = b"\n".join(line for line in content.splitlines() if not line.isascii())[:_ENOUGH]
    shares = {codec: _share_in_latin(lines.decode(codec, "replace"), letters) for codec, letters in _LATIN.items()}
    shares |= {
        codec: _share_in_words(lines.decode(codec, "replace"), letters)
        for codec, letters in _OTHER_SCRIPTS.items()
    }
    best = max(shares, key=shares.__getitem__)
    return best if shares[best] >= _PLAIN_TEXT else None


def advice(content: bytes) -> str:
    """Return what to do with a text that is not Unicode: `looks like windows-1251; convert it to UTF-8`."""
    likely = likely_encoding(content)
    return f"looks like {likely}; convert it to UTF-8" if likely else "convert it to UTF-8"


def _without_mark(start: bytes, *, more: bool) -> str | None:
    """Recognise UTF-16 by zero bytes on one side alone: those of spaces, digits and line ends."""
    zeros = [start[side::2].count(0) for side in (0, 1)]
    if max(zeros) * 20 < len(start) or min(zeros) * 10 > max(zeros):
        return None
    codec = "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    try:
        text = codecs.getincrementaldecoder(codec)().decode(start, final=not more)
    except UnicodeDecodeError:
        return None
    return codec if all(char.isprintable() or char.isspace() for char in text[:_CHARACTERS]) else None


def _is_mostly_utf_8(start: bytes, *, more: bool) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start, final=not more)
    except UnicodeDecodeError:
        beyond_ascii = [line for line in start.splitlines()[:10_000] if not line.isascii()]
        return 2 * sum(map(_is_utf_8, beyond_ascii)) >= len(beyond_ascii)
    return True


def _is_utf_8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _share_in_latin(text: str, letters: str) -> float:
    found = [char for char in text if not char.isascii() and char not in _PUNCTUATION]
    return sum(map(letters.__contains__, found)) / len(found) if found else 1.0


def _share_in_words(text: str, letters: str) -> float:
    """Return the share in words of one script: `cafй` is none."""
    found = sum(not char.isascii() and char not in _PUNCTUATION for char in text)
    words = (word for word in _WORD.findall(text) if not any(map(str.isascii, word)))
    return sum(sum(map(letters.__contains__, word)) for word in words) / found if found else 0.0
