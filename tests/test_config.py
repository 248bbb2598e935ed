from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import support
import yaml

from pipeline.config import _refused_id, as_yaml, flat, read_config, read_examples, read_topics
from pipeline.errors import ConfigError
from pipeline.frames import _frame
from pipeline.schema import Example, LabelledParagraph, Prediction

Maker = Callable[..., support.Experiment]


def test_reads_what_is_written(experiment: Maker) -> None:
    config = experiment({"classifier.C": 3, "classifier.class_weight": "balanced"}).config
    assert config.classifier.C == 3.0
    assert config.classifier.class_weight == "balanced"
    assert config.split.cv == 3


def test_the_written_yaml_reads_back_equal(experiment: Maker, tmp_path: Path) -> None:
    config = experiment().config
    (tmp_path / "again.yaml").write_text(as_yaml(config), encoding="utf-8")
    assert read_config(tmp_path / "again.yaml") == config


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"classifier.c": 1.0}, "classifier.c: Extra inputs are not permitted"),
        ({"surplus": 1}, "surplus: Extra inputs"),
        ({"classifier.C": 0}, "classifier.C: Input should be greater than 0"),
        ({"classifier.C": True}, "classifier.C: "),
        ({"classifier.C": float("inf")}, "classifier.C: "),
        ({"classifier.C": float("nan")}, "classifier.C: "),
        ({"classifier.kind": "forest"}, "classifier.kind: "),
        ({"random_state": -1}, "random_state: "),
        ({"random_state": 2**32}, "random_state: "),
        ({"split.cv": 1}, "split.cv: "),
        ({"split.cv": 2.5}, "split.cv: "),
        ({"split.near_duplicate": 1.5}, "split.near_duplicate: "),
        ({"features.ngram_range": [1, 0]}, "ngram_range: expected [1, n] with n from 1 to 4"),
        ({"thresholds.objective": "cost"}, "needs `cost_ratio`"),
        ({"thresholds.shrinkage": float("inf")}, "thresholds.shrinkage: "),
        ({"gate": {"day": {"macro_f1": 80}}}, "gate.day.macro_f1: "),
        ({"data.train": []}, "data.train: "),
        ({"data.test": {}}, "data.test: "),
        ({"data.test": {"train": {"writers": ["t"]}}}, "a test set cannot be called train"),
        ({"data.test": {"a b": {"writers": ["t"]}}}, "data.test.a b"),
        ({"data.test": {"day": {}}}, "data.test.day: name one of `writers`, `articles` or `share`"),
        ({"data.test": {"day": {"writers": ["t"], "files": ["x.jsonl"]}}}, "name one of `writers`"),
        ({"data.test": {"day": {"writers": ["t"], "share": 0.2}}}, "name one of `writers`"),
        ({"data.test": {"day": {"share": 1.0}}}, "data.test.day.share: "),
        ({"data.test": {"day": {"writers": ["t"]}, "two": {"writers": ["t"]}}}, "named in two test sets: t"),
        ({"gate": None}, "gate: expected keys with values below it"),
        ({"gate": {"other": {}}}, "gate: other: no such test set, expected day"),
        ({"output": None}, "output: "),
    ],
)
def test_a_bad_value_is_named_with_its_key(experiment: Maker, changes: dict[str, object], words: str) -> None:
    made = experiment(changes)
    with pytest.raises(ConfigError) as caught:
        read_config(made.config_file)
    assert str(caught.value).startswith(f"{made.config_file}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        ("class_weight: null", "class_weight: no", "classifier.class_weight"),
        ("near_duplicate: 0.5", "near_duplicate: no", "split.near_duplicate"),
        ("sublinear_tf: true", "sublinear_tf: 'no'", "features.sublinear_tf"),
    ],
)
def test_what_yaml_reads_as_another_type_is_refused(experiment: Maker, before: str, after: str, key: str) -> None:
    made = experiment()
    text = made.config_file.read_text(encoding="utf-8")
    assert before in text
    made.config_file.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(ConfigError, match=key):
        read_config(made.config_file)


@pytest.mark.parametrize(
    "content", [b"data: [", b"\xff\xfe", b"", b"- 1", b"a: b: c", b"x: !!python/name:os.system"]
)
def test_a_broken_file_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        read_config(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(tmp_path)


def test_settings_are_frozen(experiment: Maker) -> None:
    with pytest.raises(ValueError, match="frozen"):
        experiment().config.output = "elsewhere"


def test_topics_keep_their_order(experiment: Maker) -> None:
    assert [topic.id for topic in experiment().topics] == ["bridge", "orchard", "chess"]


@pytest.mark.parametrize(
    ("topics", "words"),
    [
        ([{"id": "a", "title": "A"}, {"id": "a", "title": "B"}], "given twice: a"),
        ([{"id": "a"}], "title"),
        ([{"id": "a", "title": "A", "color": "#000000"}], "color"),
        ([{"id": False, "title": "A"}], "topics.0.id"),
        ([{"id": "a b", "title": "A"}], "a b"),
        ([{"id": "", "title": "A"}], "topic id ''"),
        ([{"id": "none", "title": "None"}], "none"),
        ([{"id": "text", "title": "Text"}], "text"),
        ([{"id": "a", "title": "A", "colour": "red"}], "red"),
        ([], "topics"),
    ],
)
def test_a_bad_label_set_is_refused(tmp_path: Path, topics: list[dict[str, object]], words: str) -> None:
    path = tmp_path / "topics.yaml"
    path.write_text(yaml.safe_dump({"topics": topics}), encoding="utf-8")
    with pytest.raises(ConfigError, match=words):
        read_topics(path)


@pytest.mark.parametrize(
    ("before", "after", "read"),
    [
        ("C: 1.0", "C: 1e-3", lambda config: config.classifier.C == 0.001),
        ("C: 1.0", "C: 4", lambda config: config.classifier.C == 4.0),
        ("experiment: tests", "experiment: no", lambda config: config.tracking.experiment == "no"),
        ("experiment: tests", "experiment: 2026-11-29", lambda config: config.tracking.experiment == "2026-11-29"),
        ("output: ", "output: ~/x #", lambda config: config.output == str(Path.home() / "x")),
        ("behaviour: null", "behaviour: ~/b", lambda config: config.data.behaviour == str(Path.home() / "b")),
    ],
)
def test_yaml_1_2_and_home_folders_are_understood(experiment: Maker, before: str, after: str, read: Any) -> None:
    made = experiment({"data.behaviour": None})
    made.config_file.write_text(made.config_file.read_text().replace(before, after))
    assert read(made.config)
    again = made.folder / "again.yaml"
    again.write_text(as_yaml(made.config), encoding="utf-8")
    assert read_config(again) == made.config


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("C: 1.0", "C: 1.0\n  C: 2.0", "line LINE: not valid YAML: key 'C' is given twice"),
        ("cv: 3", "cv: 010", "split.cv: Input should be a valid integer"),
        ("sublinear_tf: true", "sublinear_tf: yes", "features.sublinear_tf: Input should be a valid boolean"),
        ("output: ", "output: $HOME/x #", "output: variables such as '$HOME/x' are not expanded"),
        ("output: ", "output: ~nobody-of-this-name/x #", "output: '~nobody-of-this-name/x': no such home folder"),
        ("output: ", "output: '' #", "output: '': expected a path"),
        ("output: ", "output: 'a\\0b' #".replace("'", '"'), "output: 'a\\x00b': expected a path"),
        ("model_name: tests", "model_name: a/b", "tracking.model_name: 'a/b': expected a name without / and :"),
        ("model_name: tests", "model_name: 'a:b'", "tracking.model_name: 'a:b': expected a name without"),
        ("model_name: tests", "model_name: ' '", "tracking.model_name: ' ': expected a name"),
        ("model_name: tests", "model_name: ..", "tracking.model_name: '..': expected a name"),
        ("model_name: tests", "model_name: 7", "tracking.model_name: Input should be a valid string, in quotes"),
        ("experiment: tests", "experiment: ''", "tracking.experiment: '': expected a name"),
        ("experiment: tests", "experiment: Default", "tracking.experiment: 'Default': expected a name"),
    ],
)
def test_what_could_fail_later_is_refused_when_it_is_read(
    experiment: Maker, before: str, after: str, words: str
) -> None:
    made = experiment()
    text = made.config_file.read_text(encoding="utf-8").replace(before, after, 1)
    made.config_file.write_text(text, encoding="utf-8")
    line = next((n for n, row in enumerate(text.splitlines(), 1) if row == "  C: 2.0"), 0)
    with pytest.raises(ConfigError) as caught:
        read_config(made.config_file)
    assert str(caught.value).startswith(f"{made.config_file}: {words.replace('LINE', str(line))}")


def test_a_path_for_a_list_is_told_in_words_of_yaml(experiment: Maker) -> None:
    with pytest.raises(ConfigError, match=r"data\.train: expected a list, such as \[a, b\]"):
        read_config(experiment({"data.train": "data"}).config_file)


@pytest.mark.parametrize("name", ["мир", "газ", "no", "off", "a.b-c_d", "शांति", "和平", "2024a"])
def test_an_id_may_be_of_any_script(tmp_path: Path, name: str) -> None:
    path = tmp_path / "topics.yaml"
    path.write_text(f"topics:\n  - {{id: {name}, title: A}}\n", encoding="utf-8")
    assert read_topics(path)[0].id == name


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (["title"], "topic id 'title': a column of predictions or data has this name"),
        (["date"], "topic id 'date': a column"),
        (["origin"], "topic id 'origin': a column"),
        (["row"], "topic id 'row': a column"),
        (["margins"], "topic id 'margins': a column"),
        (["writer"], "topic id 'writer': a column"),
        (["rain", "rain_margin"], "topic id 'rain_margin': the margins of rain have this name"),
        (["a/b"], "expected letters and digits of any script"),
        (["\U0001f600"], "expected letters and digits of any script"),
        ([".."], "expected letters and digits of any script"),
        (["x" * 51], "expected at most 50 characters"),
        ([2024], "topics.0.id: Input should be a valid string, in quotes where it looks like a number: '2024'"),
    ],
)
def test_an_id_that_would_hide_a_column_or_break_a_name_is_refused(
    tmp_path: Path, ids: list[object], words: str
) -> None:
    path = tmp_path / "topics.yaml"
    path.write_text(yaml.safe_dump({"topics": [{"id": name, "title": "A"} for name in ids]}, allow_unicode=True))
    with pytest.raises(ConfigError) as caught:
        read_topics(path)
    assert words in str(caught.value)


def test_no_column_of_predictions_or_data_is_free_for_a_topic() -> None:
    fields = [*Prediction.__dataclass_fields__, *load_corpus_columns()]
    assert {name for name in fields if _refused_id(name, []) is None} == set()


def load_corpus_columns() -> list[str]:
    row = LabelledParagraph("a", 0, "x", ())
    return [str(name) for name in _frame("train", [row], []).columns]


def test_examples_belong_to_the_label_set(tmp_path: Path) -> None:
    path = tmp_path / "topics.yaml"
    content = {"topics": [{"id": "a", "title": "A"}], "examples": [{"title": "One", "text": "Two."}]}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert read_examples(path) == (Example("One", "Two."),)
    path.write_text(yaml.safe_dump({"topics": content["topics"]}), encoding="utf-8")
    assert read_examples(path) == ()
    path.write_text(yaml.safe_dump({**content, "examples": [{"title": "One"}]}), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"examples\.0\.text: "):
        read_topics(path)


def test_flat_names_every_setting(experiment: Maker) -> None:
    parameters = flat(experiment().config.model_dump(mode="json"))
    assert parameters["classifier.C"] == "1.0"
    assert parameters["classifier.class_weight"] == "None"
    assert parameters["gate.day.macro_f1"] == "0.5"
    assert not any(isinstance(value, dict) for value in parameters.values())


def test_the_projects_own_configuration_is_valid() -> None:
    root = Path(__file__).parents[1]
    config = read_config(root / "configs" / "default.yaml")
    assert len(read_topics(root / config.data.topics)) == 5
