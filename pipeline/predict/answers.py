"""Score a chunk of a table and write its answers, one line a row."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.model.bundle import Bundle
from pipeline.predict.rows import Chunk, Problem

Line = Callable[[int, Sequence[bool], Sequence[float]], str]


@dataclass(frozen=True)
class Answers:
    """The lines that answer a chunk, and what to count of them; `end` is the chunk's."""

    content: bytes
    rows: int
    errors: int
    first_error: str
    end: int


def header(bundle: Bundle, form: str) -> bytes:
    """Give what precedes the first row: the column names in CSV, nothing in JSON lines."""
    return _csv_line(["row", "topics", *bundle.scorer.topics, "error"]).encode() if form == "csv" else b""


def answer(chunk: Chunk, bundle: Bundle, column: str, form: str) -> Answers:
    """Label every row of a chunk; a row without a text is answered with the reason."""
    texts = chunk.texts(column)
    scorer = bundle.scorer
    scores = scorer.scores([text for text in texts if isinstance(text, str)])
    answered = zip(scorer.labels(scores).tolist(), scores.tolist(), strict=True)
    line, failed = (
        (_csv(scorer.topics), _csv_error(scorer.topics)) if form == "csv" else (_json(scorer.topics), _json_error)
    )
    lines = [
        failed(row, text) if isinstance(text, Problem) else line(row, *next(answered))
        for row, text in enumerate(texts, chunk.first)
    ]
    problems = [text for text in texts if isinstance(text, Problem)]
    first = f"line {problems[0].line}: {problems[0].reason}" if problems else ""
    return Answers("".join(lines).encode(), len(texts), len(problems), first, chunk.end)


def _json(topics: Sequence[str]) -> Line:
    names = [json.dumps(topic, ensure_ascii=False) for topic in topics]
    scores = ", ".join(f"{name.replace('%', '%%')}: %.6f" for name in names)
    template = f'{{"row": %d, "topics": [%s], "scores": {{{scores}}}}}\n'
    known: dict[tuple[bool, ...], str] = {}

    def line(row: int, labels: Sequence[bool], values: Sequence[float]) -> str:
        key = tuple(labels)
        given = known.get(key)
        if given is None:
            given = known[key] = ", ".join(name for name, yes in zip(names, key, strict=True) if yes)
        return template % (row, given, *values)

    return line


def _json_error(row: int, problem: Problem) -> str:
    fields = {"row": row, "line": problem.line, "error": problem.reason}
    return json.dumps(fields, ensure_ascii=False) + "\n"


def _csv(topics: Sequence[str]) -> Line:
    def line(row: int, labels: Sequence[bool], values: Sequence[float]) -> str:
        given = " ".join(topic for topic, yes in zip(topics, labels, strict=True) if yes)
        return _csv_line([row, given, *(f"{value:.6f}" for value in values), ""])

    return line


def _csv_error(topics: Sequence[str]) -> Callable[[int, Problem], str]:
    empty = [""] * (1 + len(topics))
    return lambda row, problem: _csv_line([row, *empty, f"line {problem.line}: {problem.reason}"])


def _csv_line(fields: Sequence[object]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(fields)
    return buffer.getvalue()
