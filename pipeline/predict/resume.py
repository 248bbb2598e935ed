"""Keep the part of an output that is written already, so that an interrupted job can go on behind it."""

import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import OutputError

_BLOCK = 1 << 16


class Part:
    """The hidden beginning of `output`, and beside it a note of what it answers: table, column, form, bundle."""

    def __init__(self, output: Path, source: str, column: str, form: str, model: Path) -> None:
        self.output = output
        self.path = output.with_name(f".{output.name}.part")
        self.note = output.with_name(f".{output.name}.part.json")
        self.form = form
        self.job = {"source": source, "column": column, "form": form, "model": _digest(model), **_stamp(source)}

    @contextmanager
    def opened(self, *, resume: bool) -> Iterator[tuple[BinaryIO, int]]:
        """Open the part to append to it, with the number of rows that it answers; anew without `resume`."""
        going_on = resume and self.path.exists()
        if going_on and not (self.note.exists() and json.loads(self.note.read_text("utf-8")) == self.job):
            raise OutputError(f"{self.path}: of another table or model; begin anew without --resume")
        self.output.parent.mkdir(parents=True, exist_ok=True)
        self.note.write_text(json.dumps(self.job), encoding="utf-8")
        with self.path.open("r+b" if going_on else "w+b") as file:
            yield file, self._cut_to_whole_lines(file)

    def publish(self) -> None:
        """Make the part the output."""
        self.path.replace(self.output)
        self.note.unlink(missing_ok=True)

    def _cut_to_whole_lines(self, file: BinaryIO) -> int:
        """Cut off a line that is not whole, go to the end, and give the number of the last row (0: none)."""
        end = file.seek(0, 2)
        tail = b""
        while end and tail.find(b"\n") == tail.rfind(b"\n"):  # the last whole line is between two line ends
            end = max(0, end - _BLOCK)
            file.seek(end)
            tail = file.read()
        whole, _, rest = tail.rpartition(b"\n")
        file.truncate(file.seek(0, 2) - len(rest))
        file.seek(0, 2)
        last = whole.rpartition(b"\n")[2]
        number = last.partition(b",")[0].removeprefix(b'{"row": ')
        if not number.isdigit():  # nothing, or the header alone
            file.truncate(file.seek(0))
            return 0
        return int(number)


def _digest(model: Path) -> str:
    return f"{zlib.crc32(model.read_bytes()):08x}" if model.exists() else ""


def _stamp(source: str) -> dict[str, int]:
    path = Path(source)
    return {"size": path.stat().st_size, "changed": path.stat().st_mtime_ns} if path.exists() else {}
