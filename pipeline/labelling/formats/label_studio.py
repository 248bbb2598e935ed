"""Label Studio's JSON: tasks with annotations, whose labels are choices, and the labelling config for them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from pipeline.errors import DataError
from pipeline.labelling.formats.exchange import (
    CARRIED,
    Reading,
    Row,
    Writing,
    Written,
    array,
    carried,
    facts,
    facts_of,
    kept_of,
    meta_of,
    not_shown,
    restored,
    rows,
    says,
    text_of,
    without,
)
from pipeline.labelling.formats.labels import Labels
from pipeline.labelling.task import Annotation, Task

NAME = "label-studio"
_TOPICS, _DOUBT, _COMMENT, _TEXT = "topics", "doubtful", "comment", "text"
_MODEL = "paragraph-topics"
_LIKELY = 0.5
_CONFIG = """<View>
  <Text name="text" value="$text"/>
  <Choices name="topics" toName="text" choice="multiple">
{choices}
  </Choices>
  <Choices name="doubtful" toName="text" choice="multiple">
    <Choice value="Not sure" alias="doubtful"/>
  </Choices>
  <TextArea name="comment" toName="text" placeholder="Comment" maxSubmissions="1" rows="2"/>
</View>
"""


def recognises(row: Mapping[str, Any]) -> bool:
    """Tell whether a row is Label Studio's."""
    return isinstance(row.get("data"), dict)


def read(file: Path, reading: Reading) -> Iterator[tuple[str, Task]]:
    """Read the tasks of a file, each with its place.

    An annotation without a choice is none of the topics, a cancelled one is skipped.

    Parameters
    ----------
    file : Path
        As exported as JSON; JSON_MIN leaves out what tells none from not labelled.
    reading : Reading

    Yields
    ------
    place : str
    task : Task

    Raises
    ------
    DataError

    """
    found = list(rows(file))
    control = _control([item for _, row in found for item in _items(row)], file)
    for where, row in found:
        yield where, _task(row, control, where, reading)


def write(tasks: Sequence[Task], writing: Writing) -> Written:
    """Write tasks, and beside them the labelling config of a project to import them into.

    Parameters
    ----------
    tasks : sequence of Task
    writing : Writing

    Returns
    -------
    Written

    """
    shown = ("comments", "doubts", "skips", "scored texts")
    return Written(
        array(_row(task, writing) for task in tasks),
        not_shown(tasks, "Label Studio", shown=shown),
        {".config.xml": labelling_config(writing.labels).encode()},
    )


def labelling_config(labels: Labels) -> str:
    """Return the interface of a project: all topics at once, a doubt and a comment."""
    choices = []
    for topic in labels.topics:
        alias = f" alias={quoteattr(topic.id)}" if labels.written == "id" else ""
        hint = f" hint={quoteattr(topic.definition)}" if topic.definition else ""
        choices.append(f"    <Choice value={quoteattr(topic.title)}{alias}{hint}/>")
    return _CONFIG.format(choices="\n".join(choices))


def _items(row: Row) -> list[Row]:
    """Return the results of all annotations of a task that were not cancelled."""
    return [
        item
        for annotation in row.get("annotations") or ()
        if isinstance(annotation, dict) and not annotation.get("was_cancelled")
        for item in annotation.get("result") or ()
        if isinstance(item, dict)
    ]


def _control(items: Sequence[Row], file: Path) -> str:
    """Return the name of the choices that are the topics."""
    names = {str(item.get("from_name")) for item in items if item.get("type") == "choices"} - {_DOUBT}
    if _TOPICS in names or not names:
        ours = {_DOUBT, _COMMENT}
        strange = sorted({str(item.get("type")) for item in items if item.get("from_name") not in ours})
        if not names and strange:
            raise DataError(f"{file}: no annotation has choices, found {', '.join(strange)}")
        return _TOPICS
    if len(names) > 1:
        found = ", ".join(sorted(names))
        raise DataError(f"{file}: choices of several controls, {found}; call that of the topics `{_TOPICS}`")
    return names.pop()


def _task(row: Row, control: str, where: str, reading: Reading) -> Task:
    data, meta = row.get("data"), row.get("meta") or {}
    if not isinstance(data, dict):
        raise DataError(f"{where}: data: expected an object with the text")
    predictions = [found for found in row.get("predictions") or () if not _is_ours(found)]
    said = row.get("annotations") or []
    if not isinstance(said, list) or not isinstance(meta, dict):
        raise DataError(f"{where}: expected a list of annotations and an object of meta")
    kept = {
        name: value for name, value in row.items() if name not in ("data", "meta", "annotations", "predictions")
    }
    parts = {
        "data": without(data, reading.column),
        "meta": {name: value for name, value in meta.items() if name != CARRIED},
        "predictions": predictions,
        "text": "" if reading.column == _TEXT else reading.column,
    }
    native = Task(
        text_of(data, reading.column, where),
        **facts(data),
        annotations=tuple(_annotation(found, control, predictions, where, reading) for found in said),
        meta=meta_of(NAME, {**kept, **{name: value for name, value in parts.items() if value}}),
    )
    back = restored(meta.get(CARRIED), native, where, reading)
    return native if back is None else _with_new(back, native, said)


def _annotation(row: Any, control: str, predictions: Sequence[Any], where: str, reading: Reading) -> Annotation:
    if not isinstance(row, dict) or not isinstance(row.get("result") or [], list):
        raise DataError(f"{where}: annotations: expected objects with a list of results")
    skipped = bool(row.get("was_cancelled"))
    given: dict[str, list[Any]] = {_TOPICS: [], _DOUBT: [], _COMMENT: []}
    kept = {name: value for name, value in row.items() if name not in ("result", "was_cancelled")}
    for item in row.get("result") or ():
        what = _what(item, control)
        if what is None or (skipped and what == _TOPICS):
            kept.setdefault("result", []).append(item)
            continue
        value = item.get("value") or {}
        given[what] += _listed(value.get("choices" if item["type"] == "choices" else "text"))
        if what == _TOPICS:
            kept["choices"] = {**item, "value": {name: value[name] for name in value if name != "choices"}}
    suggestion = _suggestion(row.get("parent_prediction"), predictions, control)
    return Annotation(
        _person(row.get("completed_by"), reading),
        None if skipped else reading.labels.find_all(given[_TOPICS], where),
        time=str(row.get("updated_at") or row.get("created_at") or ""),
        comment="\n".join(map(str, given[_COMMENT])),
        doubtful=bool(given[_DOUBT]),
        suggested=None if suggestion is None else reading.labels.find_all(suggestion[0], where),
        model="" if suggestion is None else suggestion[1],
        origin=NAME,
        meta=meta_of(NAME, kept),
    )


def _what(item: Any, control: str) -> str | None:
    """Tell which of the three questions of the labelling config a result answers."""
    if not isinstance(item, dict):
        return None
    kind, name = item.get("type"), item.get("from_name")
    if kind == "choices" and name == control:
        return _TOPICS
    if kind == "choices" and name == _DOUBT:
        return _DOUBT
    return _COMMENT if kind == "textarea" and name == _COMMENT else None


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [] if value is None else [value]


def _person(completed_by: Any, reading: Reading) -> str:
    if isinstance(completed_by, dict):
        completed_by = completed_by.get("email") or completed_by.get("id")
    return reading.person if completed_by is None else str(completed_by)


def _suggestion(number: Any, predictions: Sequence[Any], control: str) -> tuple[list[Any], str] | None:
    """Return the labels of the prediction that an annotation was made from, and the model's name."""
    known = {each["id"]: each for each in predictions if isinstance(each, dict) and "id" in each}
    if number not in known:
        return None
    items = [item for item in known[number].get("result") or () if _what(item, control) == _TOPICS]
    labels = [label for item in items for label in _listed((item.get("value") or {}).get("choices"))]
    return labels, str(known[number].get("model_version") or "")


def _is_ours(prediction: Any) -> bool:
    return isinstance(prediction, dict) and prediction.get("model_version") == _MODEL


def _with_new(back: Task, native: Task, rows_of: Sequence[Row]) -> Task:
    """Add to a task that comes back what people have said in Label Studio since it was exported.

    Label Studio gives each annotation that it imports another id, and keeps the earlier as `import_id`. One that
    says the same as before is that of before, by whom it was: there, it is by the person who imported it.
    """
    said = list(back.annotations)
    places = {number: place for place, number in enumerate(_numbers(said))}
    for row, found in zip(rows_of, native.annotations, strict=True):
        earlier = row.get("import_id")
        place = places.get(row.get("id") if earlier is None else earlier)
        if place is None or says(said[place]) != says(found):
            said.append(found)
    return replace(back, annotations=tuple(said))


def _numbers(said: Sequence[Annotation]) -> list[Any]:
    """Return an id for each annotation: that which Label Studio gave it, or one that is free."""
    given = [kept_of(found.meta, NAME).get("id") for found in said]
    free = (number for number in count(1) if number not in given)
    return [next(free) if number is None else number for number in given]


def _row(task: Task, writing: Writing) -> Row:
    kept, more = kept_of(task.meta, NAME), carried(task)
    numbers = _numbers(task.annotations)
    data = {**kept.get("data", {}), str(kept.get("text", _TEXT)): task.text, **facts_of(task)}
    meta = {**kept.get("meta", {}), **({} if more is None else {CARRIED: more})}
    predictions = [*kept.get("predictions", ()), *_predictions(task, writing)]
    return {
        **{name: value for name, value in kept.items() if name not in ("text", "data", "meta", "predictions")},
        "data": data,
        "annotations": [_said(*pair, writing) for pair in zip(task.annotations, numbers, strict=True)],
        **({"predictions": predictions} if predictions else {}),
        **({"meta": meta} if meta else {}),
    }


def _said(said: Annotation, number: Any, writing: Writing) -> Row:
    kept = kept_of(said.meta, NAME)
    result = list(kept.get("result", ()))
    if said.topics:
        given = kept.get("choices") or _item(_TOPICS, "choices", {})
        names = writing.labels.write(said.topics)
        result.insert(0, {**given, "value": {**given.get("value", {}), "choices": names}})
    if said.doubtful:
        result.append(_item(_DOUBT, "choices", {"choices": [_DOUBT]}))
    if said.comment:
        result.append(_item(_COMMENT, "textarea", {"text": [said.comment]}))
    row = {name: value for name, value in kept.items() if name not in ("choices", "result", "import_id")}
    times = {"created_at": said.time} if said.time and not {"created_at", "updated_at"} & set(row) else {}
    row = {"ground_truth": False, **times, **row}  # which Label Studio takes every annotation for otherwise
    return {**row, "id": number, "result": result, "was_cancelled": said.topics is None}


def _item(name: str, kind: str, value: Row) -> Row:
    return {"id": name, "from_name": name, "to_name": _TEXT, "type": kind, "value": value}


def _predictions(task: Task, writing: Writing) -> list[Row]:
    """Return the model's scores as a prediction of the topics that are more likely than not."""
    if not task.scores:
        return []
    likely = [topic for topic in writing.labels.ids if task.scores.get(topic, 0.0) >= _LIKELY]
    result = [_item(_TOPICS, "choices", {"choices": writing.labels.write(likely)})] if likely else []
    return [{"model_version": _MODEL, "score": max(task.scores.values()), "result": result}]
