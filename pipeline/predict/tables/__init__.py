"""Tables to predict on, of any size, read a chunk of rows at a time; each format has a module.

A row that cannot be read keeps its place as an `UnreadableRow`: there is one prediction or one error for each row.
"""

from pipeline.predict.tables.joined import open_tables
from pipeline.predict.tables.opening import SUFFIXES, ReadOptions, holds_table, is_table, open_table
from pipeline.predict.tables.rows import ID, Chunk, Columns, Rows, Table, UnreadableRow

__all__ = [
    "ID",
    "SUFFIXES",
    "Chunk",
    "Columns",
    "ReadOptions",
    "Rows",
    "Table",
    "UnreadableRow",
    "holds_table",
    "is_table",
    "open_table",
    "open_tables",
]
