import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import support
from serving import ARTICLE, serving
from test_install import alone

from pipeline.model.bundle import Bundle, load_bundle, save_bundle
from pipeline.predict.article import with_language
from pipeline.predict.language import detect
from pipeline.schema import Article

CASES = Path(__file__).parent / "cases" / "language" / "paragraphs.json"
TEXTS: dict[str, str] = json.loads(CASES.read_text(encoding="utf-8"))
GERMAN = TEXTS["de"]
NOTE = "the language seems to be de; the model was trained on en"


@pytest.fixture(scope="module")
def english(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a model that says that it was trained on English."""
    path = tmp_path_factory.mktemp("english") / "champion.safetensors"
    bundle = load_bundle(small_model / "champion.safetensors")
    save_bundle(path, replace(bundle, about={**bundle.about, "languages": "en"}))
    return path


@pytest.mark.parametrize(("language", "text"), TEXTS.items())
def test_a_paragraph_is_enough_to_tell_a_language(language: str, text: str) -> None:
    assert detect(text) == language


@pytest.mark.parametrize("text", [ARTICLE, ARTICLE.upper(), ARTICLE * 100, *ARTICLE.split("\n\n")])
def test_english_is_english(text: str) -> None:
    assert detect(text) == "en"


@pytest.mark.parametrize(
    "text",
    ["", " ", "ok", "Mines.", "12345 67.8 %", "a" * 50, "\u0301" * 100, "https://x.example/a?b=c", "\ud800", "\0"],
)
def test_of_too_little_nothing_is_said(text: str) -> None:
    assert detect(text) is None


@pytest.mark.parametrize(
    ("languages", "language", "notes"),
    [
        ("", None, ()),
        ("en", "de", (NOTE,)),
        ("en de", "de", ()),
        ("az en", "de", ("the language seems to be de; the model was trained on az, en",)),
    ],
)
def test_a_note_says_that_the_model_was_trained_on_others(
    small_model: Path, languages: str, language: str | None, notes: tuple[str, ...]
) -> None:
    bundle = load_bundle(small_model / "champion.safetensors")
    about = {**bundle.about, "languages": languages} if languages else bundle.about
    found = with_language(Article("a.txt", GERMAN, notes=("page 2 has no text",)), replace(bundle, about=about))
    assert (found.language, found.notes) == (language, ("page 2 has no text", *notes))


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_the_command_line_notes_it_and_each_row_has_the_language(english: Path, tmp_path: Path, form: str) -> None:
    for name, text in (("de.txt", f"{GERMAN}\n\nJa."), ("en.txt", ARTICLE), ("ok.txt", "ok")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    output = tmp_path / f"out.{form}"
    done = support.run(
        "predict", "de.txt", "en.txt", "ok.txt", "--model", english, "--output", output, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, f"note: de.txt: {NOTE}\n")
    if form == "jsonl":
        found = [json.loads(line).get("language") for line in output.read_text("utf-8").splitlines()]
    elif form == "csv":
        header, *rows = output.read_text("utf-8").splitlines()
        assert header.endswith(",title,date,origin,language")
        found = [row.rpartition(",")[2] or None for row in rows]
    else:
        found = pq.read_table(output)["language"].to_pylist()
    assert found == ["de", "de", "en", "en", "en", None]


def test_the_service_notes_it_in_its_answer_and_on_the_page(english: Path, tmp_path: Path) -> None:
    with serving(english, tmp_path) as running:
        answer = running.ask("/v1/predict", {"article": GERMAN}).json()
        assert (answer["notes"], [row["language"] for row in answer["predictions"]]) == (
            [f"article: {NOTE}"],
            ["de"],
        )
        assert "notes" not in running.ask("/v1/predict", {"article": ARTICLE}).json()
        assert "notes" not in running.ask("/v1/predict", {"texts": [GERMAN]}).json()


def test_a_model_that_does_not_say_its_languages_says_nothing(small_model: Path, tmp_path: Path) -> None:
    (tmp_path / "de.txt").write_text(GERMAN, encoding="utf-8")
    done = support.run("predict", "de.txt", "--model", small_model, cwd=tmp_path)
    assert (done.returncode, done.stderr, "language" in done.stdout) == (0, "", False)


def test_without_the_extra_nothing_is_said_and_nothing_fails(english: Path, tmp_path: Path) -> None:
    (tmp_path / "de.txt").write_text(GERMAN, encoding="utf-8")
    done = alone("predict", "de.txt", "--model", english, cwd=tmp_path)
    assert (done.returncode, done.stderr, "language" in done.stdout) == (0, "", False)


@pytest.mark.parametrize("language", sorted({*TEXTS} - {"en"}))
def test_no_other_language_is_taken_for_that_of_the_vocabulary(bundle: Bundle, language: str) -> None:
    known = replace(bundle, about={**bundle.about, "languages": "en"})
    assert with_language(Article("a.txt", TEXTS[language]), known).language == language


def test_a_text_of_familiar_terms_needs_no_detector(bundle: Bundle) -> None:
    known = replace(bundle, about={**bundle.about, "languages": "xx"})
    texts = [row["text"] for row in support.rows() if row["writer"] == "a"]
    assert with_language(Article("a.txt", "\n\n".join(texts[:5])), known).language == "xx"
    several = replace(bundle, about={**bundle.about, "languages": "xx yy"})
    assert with_language(Article("a.txt", "\n\n".join(texts[:5])), several).language != "xx"
