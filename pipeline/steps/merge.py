"""Merge: put what people decided into the labelled data, after the checks that training makes, all or nothing."""

import hashlib
import json
import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from pipeline.config import Config, read_topics
from pipeline.data import corpus
from pipeline.data.records import find, records
from pipeline.data.split import near_duplicates
from pipeline.errors import DataError, LabelError
from pipeline.files import one_line_errors, part_of
from pipeline.labelling import store
from pipeline.labelling.card import with_entry, with_tables
from pipeline.labelling.review import as_json, labels, paragraphs_of
from pipeline.labelling.store import Unmerged
from pipeline.labelling.task import Task
from pipeline.schema import LabelledParagraph
from pipeline.steps.check import check
from pipeline.steps.experiment import fold_groups

_SIMILAR = 0.3  # Jaccard similarity of 4-word shingles from which two paragraphs are nearly the same
_DEFAULT = "labelled.jsonl"
_SHOWN = 60  # characters of a text in a message


class ConflictsError(LabelError):
    """Decisions contradict the data, or cannot be added to it.

    Parameters
    ----------
    conflicts : sequence of str
        One line each.

    """

    def __init__(self, conflicts: Sequence[str]) -> None:
        count = f"{len(conflicts)} conflict{'s' if len(conflicts) > 1 else ''}"
        super().__init__(f"{count}, nothing is merged: decide otherwise, drop the task, or correct the row")
        self.conflicts = tuple(conflicts)


@dataclass(frozen=True)
class Merged:
    """What was merged.

    Parameters
    ----------
    file : Path
        To which rows were added.
    added : int
    relabelled : tuple of str
        Rows whose label was changed, with file and line.
    present : int
        Texts that the data have already, labelled the same.
    repeating : tuple of str
        Texts left out as they nearly repeat a row that is labelled the same.
    dropped : tuple of str
        Ids of tasks that were dropped, and what is still in the data of them.
    card : Path
    dry_run : bool

    """

    file: Path
    added: int
    relabelled: tuple[str, ...]
    present: int
    repeating: tuple[str, ...]
    dropped: tuple[str, ...]
    card: Path
    dry_run: bool = False

    def as_text(self) -> str:
        """Say it, a line for each kind."""
        would = "would be " if self.dry_run else ""
        lines = [f"{self.file}: {self.added} rows {would}added"]
        lines += [f"{would}relabelled: {line}" for line in self.relabelled]
        lines += [f"left out, nearly repeats {line}" for line in self.repeating]
        lines += [f"dropped: {line}" for line in self.dropped]
        if self.present:
            lines.append(f"{self.present} in the data already, labelled the same")
        return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True)
class _Data:
    """All rows of an experiment, where each is, and which belong to a test set."""

    rows: list[LabelledParagraph]
    places: list[str]
    test: frozenset[int]
    topics: list[str]


@dataclass
class _Plan:
    """What is to be done with each decision; `marks` holds the file that each is in afterwards."""

    new: list[Unmerged] = field(default_factory=list)
    changes: dict[int, Unmerged] = field(default_factory=dict)
    present: int = 0
    repeating: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    marks: dict[int, tuple[str, str]] = field(default_factory=dict)

    def mark(self, found: Unmerged, file: str) -> None:
        """Note where a decision is once all is written."""
        self.marks[found.decision] = (found.task.id, file)


def merge(
    config: Config, annotations: Path, target: Path | None = None, *, relabel: bool = False, dry_run: bool = False
) -> Merged:
    """Put decided tasks into the data of an experiment.

    Should it be killed halfway, the next run completes it: what is in the data already is not added again.

    Parameters
    ----------
    config : Config
    annotations : Path
        The file of annotations.
    target : Path, optional
        JSON lines to add rows to, below `data.train`; without it `labelled.jsonl` in the first folder there, or
        the first file where there is no folder. Its name without ending is the `writer` of its rows.
    relabel : bool, default False
        Whether a decision replaces another label of the same text. Decisions on suspect labels of the data, and
        new ones on what was merged before, always do.
    dry_run : bool, default False
        Whether to change nothing.

    Returns
    -------
    Merged

    Raises
    ------
    ConflictsError
        Where a decision contradicts a row of the same or nearly the same text, or one of a test set, or has a
        topic that the label set lacks. Nothing is changed then.
    DataError
        Where the data cannot be read, before or with the new rows.
    OutputError
        Where a file cannot be written.

    """
    output = Path(config.output)
    with one_line_errors(output):
        output.mkdir(parents=True, exist_ok=True)
    with FileLock(output / ".merge.lock"):
        return _merge(config, annotations, target or _target(config), relabel=relabel, dry_run=dry_run)


def _merge(config: Config, annotations: Path, target: Path, *, relabel: bool, dry_run: bool) -> Merged:
    _check_target(config, target)
    data, waiting = _data(config), store.unmerged(annotations)
    plan = _plan(data, waiting, relabel=relabel)
    _compare(config, data, plan)
    if plan.conflicts:
        raise ConflictsError(plan.conflicts)
    taken = [(row.article, row.paragraph) for row in data.rows]
    tasks = [found.task for found in plan.new]
    rows = paragraphs_of(tasks, data.topics, writer=_writer(target), taken=taken)
    contents = _contents(target, rows, data, plan)
    card = _card(config, target)
    for found in plan.new:
        plan.mark(found, str(target))
    relabelled = tuple(_change(data, index, found) for index, found in sorted(plan.changes.items()))
    if contents:
        text = _staged(config, contents, card, _entry(target, rows, plan, relabelled))
        contents = {card: text, **contents}  # the card first: whatever ends this, the next run writes the rest
    if not dry_run:
        _write(contents)
        store.mark_merged(annotations, plan.marks)
    return Merged(
        file=target,
        added=len(rows),
        relabelled=relabelled,
        present=plan.present,
        repeating=tuple(plan.repeating),
        dropped=tuple(plan.dropped),
        card=card,
        dry_run=dry_run,
    )


def _writer(target: Path) -> str:
    return target.name.partition(".")[0]


def _target(config: Config) -> Path:
    folder = next((path for path in map(Path, config.data.train) if path.is_dir()), None)
    return folder / _DEFAULT if folder else Path(config.data.train[0])


def _check_target(config: Config, target: Path) -> None:
    """Refuse a file that could not be added to, or that training would not read."""
    if target.suffix.lower() not in (".jsonl", ".ndjson"):
        raise DataError(f"{target}: rows can be added to .jsonl or .ndjson only; name one with --file")
    own = target.resolve()
    if not any(
        own == path or path in own.parents for path in (Path(name).resolve() for name in config.data.train)
    ):
        raise DataError(
            f"{target}: not below data.train ({', '.join(config.data.train)}), so it would not be read"
        )
    for name, held in config.data.test.items():
        if _writer(target) in held.writers or own in {file.resolve() for file in find(held.files)}:
            raise DataError(f"{target}: belongs to the test set {name}; labels go into training data")


def _data(config: Config) -> _Data:
    topics = [topic.id for topic in read_topics(Path(config.data.topics))]
    held = config.data.test.values()
    tested = {file.resolve() for test in held for file in find(test.files)}
    files = [file for file in find(config.data.train) if file.resolve() not in tested]
    files += [file for test in held for file in find(test.files)]
    rows = corpus.read(files, topics, unique=False)
    found = [(file, where) for file in files for where, _ in records(file)]
    writers = {name for test in held for name in test.writers}
    articles = {name for test in held for name in test.articles}
    test = frozenset(
        index
        for index, (row, (file, _)) in enumerate(zip(rows, found, strict=True))
        if file.resolve() in tested or row.writer in writers or row.article in articles
    )
    return _Data(rows, [where for _, where in found], test, topics)


def _plan(data: _Data, waiting: Sequence[Unmerged], *, relabel: bool) -> _Plan:
    plan = _Plan()
    same: defaultdict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(data.rows):
        same[Task(row.text).id].append(index)
    test_articles = {data.rows[index].article: index for index in data.test}
    for found in waiting:
        decided, task = _decided(found), found.task
        if decided is None:
            still = f"; {found.merged} still has it" if found.merged else ""
            plan.dropped.append(f"{task.id}{still}")
            plan.mark(found, "")
        elif unknown := [topic for topic in decided if topic not in data.topics]:
            expected = ", ".join(data.topics)
            plan.conflicts.append(f"task {task.id}: unknown topic {unknown[0]!r}, expected one of {expected}")
        elif same[task.id]:
            _plan_known(data, plan, found, same[task.id], relabel=relabel)
        elif task.article in test_articles:
            where = data.places[test_articles[task.article]]
            plan.conflicts.append(
                f"{where}: article {task.article} is in a test set; task {task.id} is of it, too"
            )
        else:
            plan.new.append(found)
    return plan


def _plan_known(data: _Data, plan: _Plan, found: Unmerged, rows: Sequence[int], *, relabel: bool) -> None:
    """Plan for a text that the data have: nothing, another label, or a conflict."""
    decided = set(_decided(found) or ())
    other = [
        index for index in rows if data.rows[index].topics is None or set(data.rows[index].topics or ()) != decided
    ]
    may = relabel or found.merged is not None or "suspect" in found.task.meta
    for index in other:
        unlabelled = data.rows[index].topics is None
        if index in data.test and not unlabelled:
            plan.conflicts.append(f"{_conflict(data, index, found)}; it is in a test set")
        elif not may and not unlabelled:
            plan.conflicts.append(f"{_conflict(data, index, found)}; --relabel replaces it")
        else:
            plan.changes[index] = found
    if not other:
        plan.present += 1
    plan.mark(found, data.places[rows[0]].rpartition(":")[0])


def _compare(config: Config, data: _Data, plan: _Plan) -> None:
    """Leave out what nearly repeats a row that is labelled the same; it is a conflict where it is not."""
    if config.split.near_duplicate is None or config.data.duplicates:
        return
    similarity, first = min(_SIMILAR, config.split.near_duplicate), len(data.rows)
    texts = [row.text for row in data.rows] + [found.task.text for found in plan.new]
    left: set[int] = set()
    for one, other in near_duplicates(texts, similarity=similarity).tolist():
        if other < first or one - first in left:
            continue
        found = plan.new[other - first]
        where, topics = _known(data, plan, one)
        if topics is not None and set(topics) == set(_decided(found) or ()):
            left.add(other - first)
            plan.repeating.append(f"{where}: task {found.task.id}")
            plan.mark(found, where.rpartition(":")[0])
        else:
            plan.conflicts.append(f"{where}: {_disagree(topics, found)}; it is nearly the same text")
    plan.new = [found for index, found in enumerate(plan.new) if index not in left]


def _known(data: _Data, plan: _Plan, index: int) -> tuple[str, Sequence[str] | None]:
    if index < len(data.rows):
        changed = plan.changes.get(index)
        return data.places[index], _decided(changed) if changed else data.rows[index].topics
    found = plan.new[index - len(data.rows)]
    return f"task {found.task.id}", _decided(found)


def _decided(found: Unmerged) -> tuple[str, ...] | None:
    return found.task.decision.topics if found.task.decision else None


def _conflict(data: _Data, index: int, found: Unmerged) -> str:
    return f"{data.places[index]}: {_disagree(data.rows[index].topics, found)}"


def _disagree(topics: Sequence[str] | None, found: Unmerged) -> str:
    text, reviewer = (
        " ".join(found.task.text.split())[:_SHOWN],
        found.task.decision and found.task.decision.reviewer,
    )
    return (
        f"labelled {_spoken(topics)}, task {found.task.id} is {_spoken(_decided(found))} by {reviewer}: {text!r}"
    )


def _change(data: _Data, index: int, found: Unmerged) -> str:
    row = data.rows[index]
    which = f"{data.places[index]} ({row.article}, paragraph {row.paragraph})"
    return f"{which}: {_spoken(row.topics)}, now {_spoken(_decided(found))}"


def _spoken(topics: Sequence[str] | None) -> str:
    return "not at all" if topics is None else " + ".join(topics) or "none"


def _contents(target: Path, rows: Sequence[LabelledParagraph], data: _Data, plan: _Plan) -> dict[Path, bytes]:
    """Return the new content of each file of the data that changes."""
    changes: defaultdict[Path, dict[int, tuple[str, ...]]] = defaultdict(dict)
    for index, found in plan.changes.items():
        file, _, line = data.places[index].rpartition(":")
        changes[Path(file)][int(line)] = tuple(topic for topic in data.topics if topic in (_decided(found) or ()))
    contents = {file: _with_labels(file, lines) for file, lines in changes.items()}
    if rows:
        before = contents.get(target) or (target.read_bytes() if target.exists() else b"")
        if before.lstrip().startswith(b"["):
            raise DataError(f"{target}: an array of rows, expected a row on each line; name another with --file")
        ending = b"\n" if before and not before.endswith(b"\n") else b""
        contents[target] = before + ending + "".join(f"{as_json(row)}\n" for row in rows).encode()
    return contents


def _with_labels(file: Path, labels: Mapping[int, tuple[str, ...]]) -> bytes:
    """Replace the labels on some lines of a file; everything else stays as it is."""
    lines = file.read_bytes().splitlines(keepends=True)
    for number, topics in labels.items():
        try:
            line = lines[number - 1]
            row = json.loads(line.decode("utf-8-sig"))
            second = row.get("reader_topics")
        except (ValueError, IndexError, AttributeError):
            raise DataError(
                f"{file}:{number}: cannot be changed here: expected a file of one row a line"
            ) from None
        row["topics"] = list(topics)
        if second is not None and not _lies_between(topics, row.get("writer_topics") or (), second):
            row["reader_topics"] = list(topics)
        ending = line[len(line.rstrip(b"\r\n")) :]
        lines[number - 1] = json.dumps(row, ensure_ascii=line.isascii()).encode() + ending
    return b"".join(lines)


def _lies_between(topics: Sequence[str], one: Sequence[str], other: Sequence[str]) -> bool:
    return set(one) & set(other) <= set(topics) <= set(one) | set(other)


def _staged(config: Config, contents: Mapping[Path, bytes], card: Path, entry: str) -> bytes:
    """Check the data as they will be, in a copy made of links, and return the data card for them."""
    from pipeline.data.statistics import describe

    text = card.read_text(encoding="utf-8") if card.exists() else "# Data card\n"
    with tempfile.TemporaryDirectory() as folder:
        staged = _stage(config, contents, Path(folder))
        try:
            fold_groups(staged, check(staged).split.train)
            text = with_tables(text, describe(staged))
        except DataError as error:
            why = str(error).replace(f"{folder}/", "")
            raise LabelError(f"the data would not pass the checks, nothing is merged: {why}") from None
    return with_entry(text, entry).encode()


def _stage(config: Config, contents: Mapping[Path, bytes], folder: Path) -> Config:
    changed = {path.resolve(): content for path, content in contents.items()}

    def staged(number: str, name: str) -> str:
        """Link the files that a path names to a folder of their own, those that change with their new content."""
        base = Path(name)
        place = folder / number
        place.mkdir()
        root = base if base.is_dir() else base.parent
        files = {file.resolve(): file for file in find([base])} if base.exists() else {}
        if base.is_dir():
            files |= {
                path: base / path.relative_to(base.resolve()) for path in changed if base.resolve() in path.parents
            }
        for own, file in files.items():
            link = place / file.relative_to(root)
            link.parent.mkdir(parents=True, exist_ok=True)
            if own in changed:
                link.write_bytes(changed[own])
            else:
                link.symlink_to(own)
        return str(place if base.is_dir() else place / base.name)

    train = tuple(staged(f"train-{index}", name) for index, name in enumerate(config.data.train))
    test = {
        key: held.model_copy(
            update={"files": tuple(staged(f"test-{key}-{i}", name) for i, name in enumerate(held.files))}
        )
        for key, held in config.data.test.items()
    }
    return config.model_copy(update={"data": config.data.model_copy(update={"train": train, "test": test})})


def _card(config: Config, target: Path) -> Path:
    """Find the data card: README.md in the folder of the data, or above, unless that is the project's folder."""
    first = next(
        (path for path in map(Path, config.data.train) if path in (target, *target.parents)), target.parent
    )
    folder = first if first.is_dir() else first.parent
    above = folder.parent / "README.md"
    has_own = (folder / "README.md").exists() or folder.parent.resolve() == Path.cwd()
    return folder / "README.md" if has_own or not above.exists() else above


def _entry(target: Path, rows: Sequence[LabelledParagraph], plan: _Plan, relabelled: Sequence[str]) -> str:
    """Write who labelled what and when, for the data card."""
    merged = [*plan.new, *plan.changes.values()]
    numbers = sorted({found.decision for found in merged})
    batch = hashlib.sha256(repr([(number, plan.marks[number]) for number in numbers]).encode()).hexdigest()[:8]
    people = Counter(name for found in merged for name in labels(found.task))
    reviewers = Counter(found.task.decision.reviewer for found in merged if found.task.decision)
    times = sorted(found.task.decision.time[:10] or "undated" for found in merged if found.task.decision)
    parts = [f"{len(rows)} rows added to `{target.name}`"] if rows else []
    parts += [f"{len(relabelled)} relabelled"] if relabelled else []
    by = f"labelled by {_counted(people)}, " if people else ""
    when = times[0] if times[0] == times[-1] else f"{times[0]} to {times[-1]}"
    lines = [f"- Batch {batch}: {', '.join(parts)}; {by}decided by {_counted(reviewers)}, {when}."]
    lines += [f"  - {line}" for line in relabelled]
    return "".join(f"{line}\n" for line in lines)


def _counted(names: Counter[str]) -> str:
    return ", ".join(f"{_plain(name)} ({count})" for name, count in sorted(names.items()))


def _plain(name: str) -> str:
    """Write a name so that Markdown takes nothing of it for its own."""
    return "".join(f"\\{sign}" if sign in r"\`*_{}[]<>()#|!" else sign for sign in name)


def _write(contents: Mapping[Path, bytes]) -> None:
    """Write files so that all are complete, on the disk, before the first gets its name."""
    with ExitStack() as stack:
        parts = []
        for path, content in contents.items():
            stack.enter_context(one_line_errors(path))
            part = stack.enter_context(part_of(path))
            part.file.truncate()
            part.file.write(content)
            part.file.flush()
            os.fsync(part.file.fileno())
            parts.append(part)
        for part in parts:
            part.publish()
