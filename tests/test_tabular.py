"""A table is told from prose by its first lines, and no article is taken for one."""

import pytest

from pipeline.data.tabular import delimiter_of, excel_delimiter, table_kind

PROSE = "The ministry said, on Monday, that forty hectares were cleared."


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ('{"text": "a"}\n{"text": "b"}\n', "JSON lines"),
        ('\n {"text": "a"}\n\n{"te', "JSON lines"),
        ('{"text": "a"}\n', "JSON lines"),
        ('{"text": "a",},\n{"text": "b"},\n', "JSON lines"),
        ("{'text': 'a'}\n{'text': 'b'}\n", "JSON lines"),
        ('[{"text": "a"}]', "JSON"),
        ('[\n  {"text": "a"},\n  {"te', "JSON"),
        ("[ ]", "JSON"),
        ('{\n  "rows": [{"text": "a"}]\n}\n', "JSON"),
        ('{\n  "text": "cut', "JSON"),
        ("id,text\n1,a\n", "CSV"),
        ("id;body\n1;a\n2;b\n", "CSV"),
        ("id\ttext\n", "CSV"),
        (",text\n0,a\n", "CSV"),
        ('sep=;\nid;text\n1;"a\nb"\n', "CSV"),
        ("text\na, b\n", "CSV"),
        ('id,text\n1,"not closed\n2,b\n', "CSV"),
    ],
)
def test_tables_are_told_by_their_first_lines(start: str, expected: str | None) -> None:
    assert table_kind(start) == expected


@pytest.mark.parametrize(
    "start",
    [
        "",
        PROSE,
        f"{PROSE}\n{PROSE}\n",
        f"Title, subtitle\n{PROSE}\n",
        f"Baku,Azerbaijan\n\n{PROSE}\n",
        f"news,world,politics\n{PROSE}\n",
        f"text\n\n{PROSE}\n",
        "text",
        f'{{"text": "a"}}\n\n{PROSE}\n',
        f'{{\n  "text": "a"\n}}\n\n{PROSE}\n',
        f"[1] {PROSE}\n",
        f"[a] {PROSE}\n",
        '[{"text": "a"}] was the answer.',
        "{braces} in a headline\n{more} of them\n",
        f"id,text\n\n{PROSE}\n",
        "| a | b |\n|---|---|\n| 1 | 2 |\n",
        "a|b\nthe first\n",
        "<html>\n<p>text,id</p>\n",
    ],
)
def test_prose_is_no_table(start: str) -> None:
    assert table_kind(start) is None


def test_another_column_of_texts_makes_a_header() -> None:
    start = "id,body\n1,a, b\n"
    assert table_kind(start) is None
    assert table_kind(start, "body") == "CSV"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("id,text", ","),
        ("id;text", ";"),
        ("id\ttext\r\n", "\t"),
        ("id|text", "|"),
        ("a,b,c;text", ";"),
        ('"a;b;c",text', ","),
        ("a;b;c,d", ";"),
        ("text", "\x1f"),
        ("", "\x1f"),
    ],
)
def test_the_header_tells_the_delimiter(header: str, expected: str) -> None:
    assert delimiter_of(header) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [("sep=;", ";"), ("SEP=\t\r\n", "\t"), ("sep=", None), ("sep=ab", None), ("id,text", None)],
)
def test_excel_names_a_delimiter(line: str, expected: str | None) -> None:
    assert excel_delimiter(line) == expected
