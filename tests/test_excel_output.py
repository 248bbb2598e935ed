import io
from pathlib import Path

import openpyxl
import pytest

from pipeline.model.bundle import Bundle, load_bundle
from pipeline.predict.article import predict
from pipeline.predict.output import rendered
from pipeline.schema import Article

LIVE = ("=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("https://example.org")', "{=1+1}", "https://example.org")


@pytest.fixture(scope="module")
def model(small_model: Path) -> Bundle:
    return load_bundle(small_model / "champion.safetensors")


def written(model: Bundle, *articles: Article) -> bytes:
    rows = [predict(article, model) for article in articles]
    return b"".join(rendered(rows, "xlsx", model.topics, width=80, style=lambda text, _: text))


def test_no_cell_is_a_formula_or_a_link(model: Bundle) -> None:
    content = written(model, Article("=cmd", "\n\n".join(LIVE), "=title", "+date", "@origin"))
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    rows = list(sheet.iter_rows(min_row=2))
    column = [cell.value for cell in sheet[1]].index("text")
    assert [row[column].value for row in rows] == list(LIVE)
    assert {cell.data_type for row in rows for cell in row} <= {"s", "n"}
    assert [cell.hyperlink for row in rows for cell in row if cell.hyperlink] == []
    assert rows[0][0].value == "=cmd"


def test_a_row_has_the_titles_of_its_topics_and_all_scores(model: Bundle) -> None:
    text = "Sappers cleared landmines from the field.\n\nLunch."
    sheet = openpyxl.load_workbook(io.BytesIO(written(model, Article("a.txt", text, "A title")))).active
    header, first, second = sheet.iter_rows(values_only=True)
    assert header == (
        *("source", "paragraph", "text", "topics", "Mine action", "Peace process"),
        *("title", "date", "origin", "language"),
    )
    assert first[:4] == ("a.txt", 0, "Sappers cleared landmines from the field.", "Mine action")
    assert first[4] == pytest.approx(predict(Article("a.txt", text), model)[0].scores["mine_action"])
    assert (first[6], second[3]) == ("A title", None)
    assert (sheet.auto_filter.ref, sheet.freeze_panes) == ("A1:J3", "A2")


def test_what_a_cell_cannot_hold_is_shortened_and_half_a_character_written_out(model: Bundle) -> None:
    content = written(model, Article("caf\udce9.txt", "mines " * 6000))
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet["A2"].value == "caf\\udce9.txt"
    assert len(sheet["C2"].value) == 32_767
    assert sheet["C2"].value.endswith("\u2026")
