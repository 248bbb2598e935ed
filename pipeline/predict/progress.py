"""Show on a terminal how far a table is labelled: rows, rows a second, and the time left."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipeline.predict.tables import size


@contextmanager
def counted(source: str, *, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """Give `progress(rows, end)`, which draws a bar on standard error where it is to be shown."""
    if not shown:
        yield lambda rows, end: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows, {task.fields[speed]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=size(source), rows=0, speed=0.0)

        def progress(rows: int, end: int) -> None:
            seconds = bar.tasks[0].elapsed or 1.0
            bar.update(task, completed=end, rows=rows, speed=rows / seconds)

        yield progress
