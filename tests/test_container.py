"""The bundle keeps what was trained, and a file that is not whole is never used."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from small_model import TEXTS, TOPICS, fitted, saved

from pipeline.errors import BundleError
from pipeline.model import container
from pipeline.model.bundle import load_bundle

LABELLED = sorted(Path("data/articles").glob("*.jsonl"))


def test_arrays_are_mapped_and_equal(tmp_path: Path) -> None:
    arrays = {
        "a": np.arange(6.0).reshape(2, 3),
        "b": np.array([1, 2], np.uint8),
        "c": np.zeros((0, 3), np.float32),
    }
    container.write(tmp_path / "a", arrays, {"kind": "test"})
    found, metadata, right = container.read(tmp_path / "a")
    assert (metadata, right) == ({"kind": "test"}, True)
    assert all((found[name] == arrays[name]).all() and found[name].shape == arrays[name].shape for name in arrays)
    assert not found["a"].flags.owndata
    assert not found["a"].flags.writeable
    with (tmp_path / "a").open("r+b") as file:
        file.write(bytes((tmp_path / "a").stat().st_size))
    assert not found["a"].any()  # it is the file


def test_equal_content_is_equal_bytes(tmp_path: Path) -> None:
    metadata = {name: name.upper() for name in ("kind", "version", "model", "other")}
    for order in (1, -1):
        for place in range(10):
            arrays = dict([("b", np.arange(3.0)), ("a", np.array([1, 2, 3], np.uint8))][::order])
            container.write(tmp_path / f"{order}{place}", arrays, dict(list(metadata.items())[::order]))
    (content,) = {path.read_bytes() for path in tmp_path.iterdir()}
    size = int.from_bytes(content[:8], "little")
    assert (size % 8, list(json.loads(content[8 : 8 + size]))) == (0, ["__metadata__", "a", "b"])
    with safe_open(next(tmp_path.iterdir()), framework="numpy") as file:
        assert file.get_tensor("b").tolist() == [0, 1, 2]
        assert file.metadata()["kind"] == "KIND"


def test_scores_of_the_bundle_are_those_of_training(tmp_path: Path) -> None:
    lines = [line for file in LABELLED[:3] for line in file.read_bytes().splitlines()]
    texts = [json.loads(line)["text"] for line in lines]
    model, bundle = fitted(), load_bundle(saved(tmp_path))
    expected = model.predict_proba(texts + TEXTS)
    scorer = model.scorer([topic.id for topic in TOPICS])
    np.testing.assert_allclose(scorer.scores(texts + TEXTS), expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(scorer.fallback_scores(texts + TEXTS), expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(bundle.scorer.scores(texts + TEXTS), expected, rtol=0, atol=1e-6)
    assert bundle.scorer.vocabulary.strings == scorer.vocabulary.strings
    assert bundle.topics == TOPICS


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return saved(tmp_path_factory.mktemp("bundle")).read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_changed_bit_is_found(content: bytes, tmp_path: Path, place: float, bit: int) -> None:
    damaged = bytearray(content)
    damaged[int(place * len(damaged))] ^= 1 << bit
    path = tmp_path / "damaged"
    path.write_bytes(damaged)
    try:
        found = load_bundle(path)
    except BundleError as error:
        assert "\n" not in str(error)
    else:  # the padding and the spelling of the header are nobody's data
        assert found.topics == TOPICS
        assert (found.scorer.table == load_whole(content, tmp_path).scorer.table).all()


def load_whole(content: bytes, folder: Path):
    (folder / "whole").write_bytes(content)
    return load_bundle(folder / "whole")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(share=st.floats(0, 1, exclude_max=True))
def test_any_cut_file_is_refused(content: bytes, tmp_path: Path, share: float) -> None:
    (tmp_path / "cut").write_bytes(content[: int(share * len(content))])
    with pytest.raises(BundleError):
        load_bundle(tmp_path / "cut")


def test_a_file_without_arrays_is_read_to_its_end(tmp_path: Path) -> None:
    container.write(tmp_path / "a", {}, {"kind": "test"})
    assert container.read(tmp_path / "a") == ({}, {"kind": "test"}, True)


def test_an_array_that_begins_before_the_first_is_refused(tmp_path: Path) -> None:
    header = json.dumps({"a": {"dtype": "U8", "shape": [0], "data_offsets": [-1, 0]}}).encode()
    (tmp_path / "a").write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))
    with pytest.raises(ValueError, match="over the end of the file"):
        container.read(tmp_path / "a")
