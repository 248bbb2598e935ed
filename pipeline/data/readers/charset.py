"""Decode the bytes of a web page as browsers do, and better where the page names a wrong encoding or none."""

import codecs
import re
from collections.abc import Iterator

_DECLARED = re.compile(
    rb"""<meta[^>]{0,500}?charset\s*=\s*["']?\s*([\w:.-]{1,40})|\A\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w:.-]{1,40})""",
    re.I,
)
_LANGUAGE = re.compile(rb"""<html[^>]{0,500}?\slang\s*=\s*["']?([a-z]{2})""", re.I)
_HEAD_BYTES = 4096
_SAMPLE_BYTES = 20_000
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
# https://encoding.spec.whatwg.org: where Python's codec of a name is not what browsers mean by it
_WHATWG = {
    "ascii": "cp1252",
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "shift_jis": "cp932",
    "tis-620": "cp874",
    "utf-16": "utf-8",
    "utf-16-be": "utf-8",
    "utf-16-le": "utf-8",
}
# https://html.spec.whatwg.org/multipage/parsing.html#determining-the-character-encoding: defaults by locale
_BY_LANGUAGE = {
    **dict.fromkeys(("be", "bg", "kk", "ky", "mk", "mn", "ru", "sr", "tg", "uk"), "cp1251"),
    **dict.fromkeys(("bs", "cs", "hr", "hu", "pl", "ro", "sk", "sl", "sq"), "cp1250"),
    **dict.fromkeys(("et", "lt", "lv"), "cp1257"),
    **{"ar": "cp1256", "fa": "cp1256", "el": "cp1253", "he": "cp1255", "ku": "cp1254", "tr": "cp1254"},
    **{"ja": "cp932", "ko": "cp949", "th": "cp874", "vi": "cp1258", "zh": "gb18030"},
}
_SINGLE_BYTE = [f"cp125{number}" for number in range(8)] + ["koi8_r", "koi8_u", "iso8859_2", "iso8859_5", "cp866"]
_GUESSED = [*_SINGLE_BYTE, "gb18030", "big5", "cp932", "euc_jp", "cp949"]
_SYMBOL_IN_WORD = re.compile(
    r"[^\W\d_][\u00a1-\u00a6\u00a8\u00ac\u00af\u00b1\u00b3-\u00b6\u00b8\u00b9\u00bc-\u00bf\u00d7](?!\d)"
)
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_FEW = 20  # one in so many letters beyond ASCII may be wrong
_TOLERANCE = 0.1


def decoded(content: bytes) -> tuple[str, str | None]:
    """Decode a page.

    A byte order mark decides; then text that is UTF-8 is UTF-8, whatever the page says. Else the encoding is the
    one that the page names, that of its language, or one by its letters (charset-normalizer), the first that fits.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    text : str
    doubt : str or None
        A sentence where the encoding was not the one named, or some bytes were wrong.

    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace").removeprefix("\ufeff"), None
    declared = _declared(content)
    text = content.decode("utf-8", "replace")
    wrong = text.count("\ufffd") - content.count("\ufffd".encode())
    if not wrong or (wrong == 1 and text.endswith("\ufffd")):  # a page that is cut off may end within a letter
        return text, None
    if declared in (None, "utf-8") and _FEW * wrong <= _count(_NOT_ASCII, text):
        return text, f"{wrong} characters are not valid UTF-8"
    sample = _sample(content)
    for encoding in _candidates(content, declared, sample):
        if _fits(sample, encoding):
            return content.decode(encoding, "replace"), _doubt(declared, encoding)
    return content.decode(declared or "cp1252", "replace"), "it has an unknown encoding; some letters may be wrong"


def _doubt(declared: str | None, encoding: str) -> str | None:
    name, other = (each and each.replace("cp125", "windows-125") for each in (encoding, declared))
    if other is None:
        return f"it names no encoding; read as {name}"
    return None if name == other else f"it names the encoding {other}, but was read as {name}"


def _declared(content: bytes) -> str | None:
    found = _DECLARED.search(content[:_HEAD_BYTES])
    if not found:
        return None
    try:
        name = codecs.lookup((found[1] or found[2]).decode("ascii")).name
        "".encode(name)  # some codecs, such as hex, are not of text
    except LookupError:
        return None
    return _WHATWG.get(name, name)


def _sample(content: bytes) -> bytes:
    """Take the lines of the page's text that say something about its encoding."""
    text = re.sub(rb"<[^<>]*>", b"\n", content[: 50 * _SAMPLE_BYTES])
    lines = [line for line in text.splitlines() if not line.isascii()]
    return b"\n".join(lines)[:_SAMPLE_BYTES]


def _candidates(content: bytes, declared: str | None, sample: bytes) -> Iterator[str]:
    from charset_normalizer import from_bytes

    found = list(from_bytes(sample, cp_isolation=_GUESSED, preemptive_behaviour=False))
    best = max((match.coherence - match.chaos for match in found), default=0.0)
    likely = [match.encoding for match in found if match.coherence - match.chaos >= best - _TOLERANCE]
    language = _LANGUAGE.search(content[:_HEAD_BYTES])
    by_language = _BY_LANGUAGE.get(language[1].decode().lower()) if language else None
    texts = [sample.decode(encoding, "replace") for encoding in likely]
    for encoding in (declared, by_language, "cp1252"):
        if encoding and (encoding not in _GUESSED or not found or sample.decode(encoding, "replace") in texts):
            yield encoding
            yield from ("cp1254",) if encoding == "cp1252" else ()
    yield from likely


def _fits(sample: bytes, encoding: str) -> bool:
    text = sample.decode(encoding, "replace")
    few = _count(_NOT_ASCII, text) / _FEW
    if text.count("\ufffd") > few or _count(_SYMBOL_IN_WORD, text) > few:
        return False
    return encoding not in ("cp1252", "cp1254") or (encoding == "cp1254") == _is_turkish(sample)


def _count(pattern: re.Pattern[str], text: str) -> int:
    return sum(1 for _ in pattern.finditer(text))


def _is_turkish(sample: bytes) -> bool:
    """Tell by the six letters that cp1254 has in place of cp1252's: the dotless i is the most frequent of them."""
    text = sample.decode("cp1252", "replace").lower()
    return text.count("\u00fd") >= text.count("\u00f0") + text.count("\u00fe") > 0
