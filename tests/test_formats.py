"""Labels go to other tools and come back without loss, and what a tool cannot say is counted."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import DataError
from pipeline.labelling.formats import FORMATS, WRITTEN, read_files, recognise, write
from pipeline.labelling.formats.exchange import Reading, Writing
from pipeline.labelling.formats.labels import Labels
from pipeline.labelling.task import Annotation, Decision, Task
from pipeline.schema import Topic

TOPICS = (Topic("rain", "Rain"), Topic("high_wind", "High wind"), Topic("snow", "Snow & ice"))
LABELS = Labels(TOPICS)
TITLES = Labels(TOPICS, written="title")

characters = st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff")
texts = st.text(characters, max_size=30)
words = st.text(characters, min_size=1, max_size=10).filter(str.strip)
topic_sets = st.sets(st.sampled_from(LABELS.ids)).map(
    lambda found: tuple(topic for topic in LABELS.ids if topic in found)
)
metas = st.dictionaries(st.sampled_from(["why", "rank", "other tool"]), st.one_of(st.integers(), texts), max_size=2)
annotations = st.builds(
    Annotation,
    annotator=words,
    topics=st.none() | topic_sets,
    time=st.sampled_from(["", "2026-01-02T03:04:05+00:00", "yesterday"]),
    comment=texts,
    doubtful=st.booleans(),
    suggested=st.none() | topic_sets,
    model=texts,
    origin=words,
    meta=metas,
)
tasks = st.builds(
    Task,
    text=words,
    article=texts,
    paragraph=st.integers(0, 1000),
    annotations=st.lists(annotations, max_size=3, unique_by=lambda found: repr(found)).map(tuple),
    decision=st.none()
    | st.builds(Decision, reviewer=words, topics=st.none() | topic_sets, time=texts, comment=texts),
    title=st.none() | words,
    date=st.none() | words,
    source=st.none() | words,
    scores=st.dictionaries(st.sampled_from(LABELS.ids), st.floats(0, 1)),
    meta=metas,
)


@pytest.fixture(scope="module")
def there_and_back(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[list[Task], list[str]]]:
    folder = tmp_path_factory.mktemp("formats")

    def back(found: list[Task], form: str, labels: Labels = LABELS, **more: Any) -> tuple[list[Task], list[str]]:
        file = folder / f"alice{FORMATS[form].ending}"
        file.write_bytes(write(found, Writing(labels, **more), form).content)
        return read_files([file], Reading(labels), form)

    return back


@pytest.mark.parametrize("labels", [LABELS, TITLES], ids=["ids", "titles"])
@pytest.mark.parametrize("form", WRITTEN)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=st.lists(tasks, min_size=1, max_size=4, unique_by=lambda task: task.id))
def test_tasks_come_back_as_they_were(
    form: str, labels: Labels, found: list[Task], there_and_back: Callable[..., tuple[list[Task], list[str]]]
) -> None:
    back, notes = there_and_back(found, form, labels)
    assert back == found
    assert form == "doccano" or not notes
