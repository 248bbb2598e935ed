from dataclasses import replace
from pathlib import Path

import pytest
from serving import ARTICLE
from small_docx import p, word_file
from small_pdf import pdf, shown
from test_documents import PAGE, RSS

from pipeline.model.bundle import load_bundle, save_bundle
from pipeline.serve.refusal import RefusedError
from pipeline.serve.work import Form, Model, Place, download, predict_form, predict_texts, show, topics_of

PLACE = Place("/", "", "nonce")
NO_LABELS = Path("/nonexistent/annotations.sqlite3")


@pytest.fixture
def model(small_model: Path) -> Model:
    return Model(small_model / "champion.safetensors", "balanced", 50)


def sources(content: bytes) -> list[str]:
    lines = content.decode().splitlines()
    return list(dict.fromkeys(line.partition('"source": "')[2].partition('"')[0] for line in lines))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", ARTICLE.encode()),
        ("a.TXT", b"\xef\xbb\xbf" + ARTICLE.encode()),
        ("a.md", f"# Title\n\n{ARTICLE}".encode()),
        ("a.html", PAGE.encode()),
        ("a.xhtml", PAGE.encode()),
        ("a.pdf", pdf(shown(["Sappers cleared landmines."]))),
        ("a.docx", word_file(p("Sappers cleared landmines."))),
    ],
)
def test_a_file_of_every_kind_is_read(model: Model, name: str, content: bytes) -> None:
    found, seen = download(model, Form("", ((name, content),)), "jsonl")
    assert sources(found) == [name]
    assert seen.paragraphs == len(found.splitlines()) > 0


@pytest.mark.parametrize("name", ["feed.rss", "feed.atom", "feed.html", "feed.htm"])
def test_every_entry_of_a_feed_is_read(model: Model, name: str) -> None:
    form = Form("", ((name, RSS.encode()),))
    assert sources(download(model, form, "jsonl")[0]) == [f"{name}#1", f"{name}#3"]
    page, seen = show(model, form, "result.html", PLACE, NO_LABELS, {})
    assert page.count("<article") == 2
    assert page.count('<li class="paragraph') == seen.paragraphs


def test_text_and_files_are_all_predicted_on(model: Model) -> None:
    form = Form("Sappers cleared landmines.", (("b.txt", b"Peace talks."), ("c.md", b"Lunch.")))
    assert sources(download(model, form, "jsonl")[0]) == ["article", "b.txt", "c.md"]
    page, seen = show(model, form, "result.html", PLACE, NO_LABELS, {})
    assert (seen.paragraphs, [page.index(word) for word in ("This article", "b.txt", "c.md")]) == (
        3,
        sorted(page.index(word) for word in ("This article", "b.txt", "c.md")),
    )


def test_files_of_one_name_are_kept_apart(model: Model) -> None:
    form = Form("", (("a.txt", b"Peace talks."), ("C:\\x\\a.txt", b"Lunch."), ("../y/a.txt", b"Mines.")))
    assert sources(download(model, form, "jsonl")[0]) == ["a.txt", "a (2).txt", "a (3).txt"]


def test_a_bad_file_does_not_cost_the_others_and_is_named(model: Model) -> None:
    form = Form("", (("a.txt", b"Peace talks."), ("b.txt", b"caf\xe9"), ("c.exe", b"MZ\0")))
    page, seen = show(model, form, "result.html", PLACE, NO_LABELS, {})
    assert seen.paragraphs == 1
    assert "b.txt: not UTF-8" in page
    assert "c.exe: binary, expected text in UTF-8, HTML, PDF, DOCX, mail or a feed" in page
    with pytest.raises(RefusedError, match=r"b\.txt: not UTF-8.*; c\.exe: binary"):
        download(model, form, "csv")


@pytest.mark.parametrize("form", [Form(), Form(" \n\n "), Form("", ())])
def test_nothing_is_not_downloaded_as_an_empty_file(model: Model, form: Form) -> None:
    with pytest.raises(RefusedError, match="nothing to predict on: paste an article, or choose a file"):
        download(model, form, "jsonl")
    with pytest.raises(RefusedError, match="nothing to predict on"):
        predict_form(model, form)


@pytest.mark.parametrize(
    ("form", "status", "problem"),
    [
        (Form("a\0b"), 422, "article: NUL characters are not text"),
        (Form("", (("a.txt", b""),)), 422, "a.txt: empty"),
        (Form("", (("rows.csv", b"id,text\n1,a\n2,b\n"),)), 422, r"rows\.csv: CSV"),
        (Form("a\n\n" * 51), 413, "51 texts or paragraphs exceed the limit of 50"),
        (Form("", (("a.txt", b"a\n\n" * 30), ("b.txt", b"a\n\n" * 30))), 413, "60 texts or paragraphs exceed"),
    ],
)
def test_what_cannot_be_shown_is_refused(model: Model, form: Form, status: int, problem: str) -> None:
    with pytest.raises(RefusedError, match=problem) as refused:
        show(model, form, "result.html", PLACE, NO_LABELS, {})
    assert refused.value.status == status


def test_notes_are_shown_beside_their_article(model: Model, tmp_path: Path) -> None:
    bundle = load_bundle(model.path)
    path = tmp_path / "english.safetensors"
    save_bundle(path, replace(bundle, about={"languages": "en"}))
    german = "Die Minister beider L\u00e4nder trafen sich am Dienstag zu Friedensgespr\u00e4chen."
    form, noted = Form(ARTICLE, (("a.txt", german.encode()),)), replace(model, path=path)
    said = "the language seems to be de; the model was trained on en"
    page, _ = show(noted, form, "result.html", PLACE, NO_LABELS, {})
    assert page.index("a.txt") < page.index(f"Note: {said}")
    assert page.count("Note: ") == 1
    assert predict_form(noted, form).notes == (f"a.txt: {said}",)


def test_texts_and_a_correction_are_predicted_as_they_are(model: Model) -> None:
    explained = False
    rows = predict_texts(model, ["Sappers cleared landmines.", ""], explained)
    assert (rows.seen.paragraphs, rows.objects.count('"source": "texts/'), rows.notes) == (2, 2, ())
    assert topics_of(model, "Sappers cleared landmines from the field.") == ("mine_action",)


def test_a_copy_is_said_to_be_one(model: Model) -> None:
    form = Form("", (("a.txt", b"Peace talks.\n\nLunch."), ("b.txt", b"Peace talks.\n\n\nLunch.")))
    page, _ = show(model, form, "result.html", PLACE, NO_LABELS, {})
    assert page.count("Note: the same text as a.txt") == 1
