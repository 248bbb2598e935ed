import json
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import fuzz_bundle
import numpy as np
import pytest
import support
from safetensors import safe_open

from pipeline.errors import BundleError
from pipeline.model import container
from pipeline.model.bundle import VERSION, Bundle, load_bundle, save_bundle
from pipeline.schema import Example

TEXTS = [row["text"] for row in support.rows()[:20]] + ["", "nothing known qqq", "The bridge and the orchard."]


EXAMPLES = (Example("One", "A bridge."), Example("Two", "An orchard.\n\nA gambit."))


@pytest.fixture
def saved(tmp_path: Path, bundle: Bundle) -> Path:
    path = tmp_path / "model.safetensors"
    save_bundle(path, bundle)
    return path


def rewritten(path: Path, **changes: str) -> None:
    """Change metadata in the container's header and leave all else as it is."""
    content = path.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    header: dict[str, Any] = json.loads(content[8 : 8 + size])
    header["__metadata__"].update(changes)
    packed = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(packed)) + packed + content[8 + size :])


def test_what_is_saved_is_loaded(saved: Path, bundle: Bundle) -> None:
    save_bundle(saved, replace(bundle, examples=EXAMPLES))
    loaded = load_bundle(saved)
    assert loaded.topics == bundle.topics
    assert dict(loaded.about) == dict(bundle.about)
    assert loaded.examples == EXAMPLES
    np.testing.assert_array_equal(loaded.trained_on, bundle.trained_on)
    np.testing.assert_array_equal(loaded.scorer.thresholds, bundle.scorer.thresholds)
    np.testing.assert_allclose(loaded.scorer.scores(TEXTS), bundle.scorer.scores(TEXTS), rtol=0, atol=1e-12)


def test_the_same_model_has_bit_equal_arrays(saved: Path, bundle: Bundle, tmp_path: Path) -> None:
    again = tmp_path / "again.safetensors"
    save_bundle(again, bundle)
    with safe_open(again, framework="numpy") as one, safe_open(saved, framework="numpy") as other:
        assert one.metadata() == other.metadata()
        assert sorted(one.keys()) == sorted(other.keys())
        for name in one.keys():  # noqa: SIM118  # a safetensors file is no mapping
            np.testing.assert_array_equal(one.get_tensor(name), other.get_tensor(name))


def test_it_is_data_only(saved: Path) -> None:
    with safe_open(saved, framework="numpy") as file:
        assert (file.metadata()["kind"], file.metadata()["version"]) == ("paragraph-topics", "3")
        assert json.loads(file.metadata()["model"])["about"]["run_id"] == "none"
        for name in file.keys():  # noqa: SIM118  # a safetensors file is no mapping
            assert file.get_tensor(name).dtype.kind in "fiu"


@pytest.mark.parametrize("kept", [0, 1, 7, 8, 100, 0.3, 0.9, -1])
def test_a_truncated_bundle_is_refused(saved: Path, kept: float) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(kept * len(content)) if isinstance(kept, float) else kept])
    with pytest.raises(BundleError, match=re.escape(str(saved))) as caught:
        load_bundle(saved)
    assert "\n" not in str(caught.value)


def test_any_flipped_bit_is_found(saved: Path) -> None:
    content = saved.read_bytes()
    places = np.random.default_rng(0).integers(0, len(content), 200)
    for place in places.tolist():
        broken = bytearray(content)
        broken[place] ^= 1
        saved.write_bytes(bytes(broken))
        try:
            load_bundle(saved)
        except BundleError as error:
            assert "\n" not in str(error)
        else:  # a bit in the padding between header and arrays says nothing
            assert content[place : place + 1].isspace(), place


def test_another_format_version_is_named(saved: Path) -> None:
    rewritten(saved, version="999")
    with pytest.raises(BundleError, match=rf"bundle format 999, this version reads format {VERSION}"):
        load_bundle(saved)


def test_a_container_of_another_kind_is_refused(saved: Path) -> None:
    rewritten(saved, kind="something-else")
    with pytest.raises(BundleError, match="not a model bundle"):
        load_bundle(saved)


def test_a_changed_description_is_found(saved: Path) -> None:
    with safe_open(saved, framework="numpy") as file:
        model = file.metadata()["model"]
    rewritten(saved, model=model.replace("Bridge", "Brigde"))
    with pytest.raises(BundleError, match="damaged"):
        load_bundle(saved)


@pytest.mark.parametrize("content", [b"", b"text, not a model\n", b"\x80\x04pickle", b"\0" * 1000])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(BundleError):
        load_bundle(path)


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no trained model here"):
        load_bundle(tmp_path / "none.safetensors")
    with pytest.raises(BundleError, match=rf"^{tmp_path}: cannot be read: Is a directory$"):
        load_bundle(tmp_path)


def test_loading_imports_neither_scikit_learn_nor_pandas_nor_mlflow(saved: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from pipeline.model.bundle import load_bundle;"
        "load_bundle(Path(sys.argv[1])).scorer.scores(['a bridge']);"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code, saved], capture_output=True, text=True, check=True)
    assert not {"sklearn", "pandas", "mlflow", "scipy", "joblib", "pickle5"} & set(done.stdout.split())


def test_a_mutated_bundle_with_a_right_checksum_is_refused_in_one_line_or_scores_finitely() -> None:
    refused, loaded = fuzz_bundle.run(300, seed=1)
    assert refused > 150
    assert loaded > 10


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("max_ngram", 2**32 - 1, "max_ngram is 4294967295, expected an integer from 1 to 4"),
        ("max_ngram", -1, "max_ngram is -1"),
        ("prefix_length", 256, "prefix_length is 256"),
        ("slope", 0, "slope is 0, expected above 0, to 1"),
        ("slope", 1.5, "slope is 1.5, expected above 0, to 1"),
        ("oov_weight", -1, "oov_weight is -1, expected a number from 0"),
        ("oov_idf", 1_000_001, "oov_idf is 1000001, expected a number from 0 to 1e+06"),
        ("sublinear", 1, "sublinear is 1, expected true or false"),
        ("point", "strict", "no operating point 'strict'"),
        ("points", "balanced", "text expected where there is none"),
        ("about", {"run_id": 3}, "text expected where there is none"),
        ("topics", [], "no topics"),
        ("examples", [["A title"]], "missing 1 required positional argument: 'text'"),
        ("examples", [["A title", 7]], "text expected where there is none"),
    ],
)
def test_a_description_that_no_training_makes_is_refused(
    saved: Path, name: str, value: object, message: str
) -> None:
    arrays, metadata, _ = container.read(saved, mapped=False)
    model = {**json.loads(metadata["model"]), name: value}
    container.write(saved, arrays, {**metadata, "model": json.dumps(model)})
    with pytest.raises(BundleError, match=re.escape(message)):
        load_bundle(saved)


def test_a_reason_is_cut_at_200_characters(saved: Path) -> None:
    arrays, metadata, _ = container.read(saved, mapped=False)
    model = {**json.loads(metadata["model"]), "point": "p" * 300}
    container.write(saved, arrays, {**metadata, "model": json.dumps(model)})
    with pytest.raises(BundleError, match=r": no operating point 'p{180}$"):  # 20 characters and 180
        load_bundle(saved)


def test_numbers_at_the_ends_of_their_ranges_are_loaded(saved: Path) -> None:
    arrays, metadata, _ = container.read(saved, mapped=False)
    numbers = {"slope": 1, "oov_weight": 0, "oov_idf": 1_000_000}
    arrays["table"] = np.column_stack([np.zeros(len(arrays["table"]), np.float32), arrays["table"][:, 1:]])
    container.write(saved, arrays, {**metadata, "model": json.dumps({**json.loads(metadata["model"]), **numbers})})
    scorer = load_bundle(saved).scorer
    assert (scorer.slope, scorer.oov_weight, scorer.oov_idf) == (1, 0, 1_000_000)
    assert not scorer.tfidf.idf.any()


@pytest.mark.parametrize("mapped", [True, False])
def test_a_mapped_bundle_changes_with_its_file_and_a_copy_does_not(saved: Path, *, mapped: bool) -> None:
    loaded = load_bundle(saved) if mapped else load_bundle(saved, mapped=False)
    before, content = loaded.scorer.table.copy(), saved.read_bytes()
    with saved.open("r+b") as file:
        file.write(bytes(len(content)))
    assert (loaded.scorer.table != before).any() == mapped


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("threshold.balanced", lambda array: array[:-1]),
        ("table", lambda array: array.astype(np.float64)),
        ("table", lambda array: array[:, :-1]),
        ("table", lambda array: np.column_stack([array[:, 0] - array[:, 0].min() - 0.5, array[:, 1:]])),
        ("intercept", lambda array: array * np.nan),
        ("terms", lambda array: np.frombuffer(bytes(array).replace(b"bridge", b"orchard"), np.uint8)),
        ("trained_on", lambda array: array.astype(np.float64)),
    ],
)
def test_an_array_that_no_training_makes_is_refused(
    saved: Path, name: str, change: Callable[[np.ndarray], np.ndarray]
) -> None:
    arrays, metadata, _ = container.read(saved, mapped=False)
    container.write(saved, {**arrays, name: change(arrays[name])}, metadata)
    with pytest.raises(BundleError, match="not a readable model bundle"):
        load_bundle(saved)
