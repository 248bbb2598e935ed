"""No step from bytes to an answer takes a time that grows faster than the text, whatever the text repeats."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_word import p, word_file

from pipeline.data.readers.plain import read_text
from pipeline.data.readers.word import read_docx
from pipeline.model.bundle import load_bundle
from pipeline.predict.article import predict
from pipeline.predict.output import rendered
from pipeline.schema import Article
from pipeline.text.offsets import WordOffsets
from pipeline.text.paragraphs import split
from pipeline.text.tokenizer import sentences

TEXT = "Sappers cleared the minefield near the river. mines"
REPEATED = {
    "marks after a word": (TEXT, "\u0301", ""),
    "marks before a word": ("\u0301", "\u0301", TEXT),
    "apostrophes after a word": (TEXT, "'", ""),
    "apostrophes before a word": ("", "'", TEXT),
    "possessives": (TEXT, "'s", ""),
    "possessives within a word": (TEXT, "'s'mines", ""),
    "soft hyphens": (TEXT, "\u00adm", ""),
    "a long word": (TEXT, "m", ""),
    "words": (TEXT, " mines", ""),
    "sentences": (TEXT, ". Sappers cleared the minefield near the river", "."),
    "signs that end and close": (TEXT, '.")', "x"),
    "blanks": (TEXT, " ", TEXT),
    "newlines": (TEXT, "\n", TEXT),
    "next lines": (TEXT, "\x85", TEXT),
    "invisible lines": (f"{TEXT}\n", "\u200b", TEXT),
    "lines": (TEXT, "\nmines go on", ""),
    "items": (TEXT, "\n- mines", ""),
    "headings": ("# ", " #", TEXT),
}
STEPS: dict[str, Callable[[str], object]] = {
    "reading": lambda text: read_text(text.encode(), "a.md"),
    "splitting": split,
    "sentences": sentences,
    "offsets": WordOffsets,
}


def seconds(step: Callable[[Any], object], given: object) -> float:
    start = time.process_time()
    step(given)
    return time.process_time() - start


def growth(step: Callable[[str], object], before: str, repeated: str, after: str) -> float:
    """Measure how the processor's time grows for 8 times the text: by 8 if it is linear, by 64 if quadratic."""
    size = 2_000
    small, large = (f"{before}{repeated * (n // len(repeated))}{after}" for n in (size, 8 * size))
    step(small)
    once = statistics.median(seconds(step, small) for _ in range(5))
    return statistics.median(seconds(step, large) for _ in range(3)) / max(once, 1e-4)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("repeated", REPEATED)
def test_a_step_takes_linear_time(step: str, repeated: str) -> None:
    assert growth(STEPS[step], *REPEATED[repeated]) < 28


@pytest.mark.parametrize("repeated", REPEATED)
def test_an_explained_answer_takes_linear_time(repeated: str, small_model: Path) -> None:
    bundle = load_bundle(small_model / "champion.safetensors")

    def answer(text: str) -> None:
        rows = predict(Article("a.txt", text), bundle, explained=True)
        for form in ("text", "html"):
            assert b"".join(rendered([rows], form, bundle.topics, width=80, style=lambda text, colour: text))

    assert growth(answer, *REPEATED[repeated]) < 28


@pytest.mark.parametrize(
    "body",
    [
        "<w:p/>",
        p("Text."),
        "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t>Text</w:t></w:r></w:p>",
        '<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r></w:p>',
        f"<w:tbl><w:tr><w:tc>{p('Text.')}</w:tc></w:tr></w:tbl>",
    ],
)
def test_a_word_document_takes_linear_time(body: str) -> None:
    small, large = (word_file(p("Text.") + body * n) for n in (200, 1_600))

    def read(content: bytes) -> object:
        return read_docx(content, "a.docx")

    read(small)
    once, more = (statistics.median(seconds(read, content) for _ in range(3)) for content in (small, large))
    assert more / once < 28
