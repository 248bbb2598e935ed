"""`topics init` and the whole way from it to a champion, by the commands of docs/labels.md."""

import json
import re
import shutil
from pathlib import Path

import pytest
import support

from pipeline.config import read_config, read_examples, read_topics
from pipeline.data import corpus
from pipeline.errors import OutputError
from pipeline.model.bundle import load_bundle
from pipeline.steps.begin import FILES, begin

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/labels.md").read_text(encoding="utf-8")


def test_a_folder_that_holds_anything_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / ".keep").write_text("mine")
    for folder in (tmp_path, tmp_path / ".keep"):
        with pytest.raises(OutputError, match=r"is not empty|cannot be used"):
            begin(folder)
    assert [path.name for path in tmp_path.iterdir()] == [".keep"]
    begin(tmp_path / "new/inner")
    assert {
        str(path.relative_to(tmp_path / "new/inner")) for path in (tmp_path / "new").rglob("*") if path.is_file()
    } == set(FILES)


def test_the_example_is_sixty_paragraphs_of_three_topics_written_one_by_one(tmp_path: Path) -> None:
    begin(tmp_path / "mine")
    ids = [topic.id for topic in read_topics(tmp_path / "mine/configs/topics.yaml")]
    rows = corpus.read([tmp_path / "mine/data"], ids)
    assert (len(rows), len({row.article for row in rows}), len(ids)) == (65, 16, 3)
    assert min(corpus.label_matrix(rows, ids).sum(0)) >= 16
    assert sum(not row.topics for row in rows) == 19
    beginnings = {" ".join(row.text.split()[:4]) for row in rows}
    assert len(beginnings) == len(rows)


def test_the_written_experiment_has_every_key_and_a_comment_on_most() -> None:
    lines = (ROOT / "pipeline/project/default.yaml").read_text(encoding="utf-8").splitlines()
    shipped = read_config(ROOT / "configs/default.yaml").model_dump()
    written = read_config(ROOT / "pipeline/project/default.yaml").model_dump()
    for section in ("split", "features", "classifier", "data"):
        assert written[section].keys() == shipped[section].keys()
    assert sum("  # " in line for line in lines) > len(lines) / 2


def test_from_init_to_a_champion_by_the_commands_of_the_page(tmp_path: Path) -> None:
    def run(*arguments: str, folder: Path = tmp_path / "mine") -> tuple[str, str]:
        done = support.run(*arguments, cwd=folder, env={"LOKY_MAX_CPU_COUNT": "1", "PYTHONPATH": str(ROOT)})
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr

    shell = " ".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
    for command in (
        "init mine",
        "check",
        "train",
        "evaluate",
        "predict article.txt",
        "statistics",
        "learning-curve",
    ):
        assert f"topics {command}" in shell
    assert run("init", "mine", folder=tmp_path)[0] == "next: cd mine && topics check && topics train\n"
    assert "all        48     17\nleft out: 0 not labelled" in run("check")[0]
    assert "labels to review" in run("train")[0]
    out, told = run("evaluate")
    assert out.startswith("test set held_out: 17 paragraphs; ")
    assert told.endswith("gate passed, promoted to champion\n")
    rows = support.json_lines(run("predict", "article.txt", "--format", "jsonl")[0])
    assert [row["topics"] for row in rows] == [["baking", "cycling"], ["cycling"], []]
    assert "| Baking | 0 | 0 | 0 | - |" in run("statistics")[0]
    curve, _ = run("learning-curve")
    assert "of the training articles have no row with" in curve
    assert "25% of the training articles are too few: data: split.cv is 4, but there are only 3 groups" in curve
    assert curve.splitlines()[-2].startswith("100%   12")
    report = json.loads((tmp_path / "mine/models/report.json").read_text(encoding="utf-8"))
    assert report["data"] == "test set held_out"
    champion = load_bundle(tmp_path / "mine/models/champion.safetensors")
    assert champion.examples == read_examples(tmp_path / "mine/configs/topics.yaml")
    assert champion.examples[0].title == "A village fair"
    again = support.run("init", "mine", cwd=tmp_path, env={"PYTHONPATH": str(ROOT)})
    assert (again.returncode, again.stderr) == (1, "error: mine: is not empty; name a new folder\n")
    shutil.rmtree(tmp_path / "mine")
