"""Read Parquet, with pyarrow."""

from collections.abc import Iterator
from itertools import chain

from pipeline.errors import MissingExtraError, SourceError
from pipeline.predict.tables.rows import ROWS, Chunk, Columns, Table, checked, grouped
from pipeline.predict.tables.streams import Stream, in_one_line


def read_parquet(stream: Stream) -> Table:
    """Open Parquet.

    Parameters
    ----------
    stream : Stream

    Returns
    -------
    Table

    Raises
    ------
    SourceError, MissingExtraError

    """
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ModuleNotFoundError:
        raise MissingExtraError("reading Parquet", "parquet") from None
    try:
        table = ParquetFile(stream.whole("Parquet"))
        schema = table.schema_arrow
    except (ArrowException, OSError, ValueError) as error:
        raise SourceError(f"{stream.name}: not a Parquet file: {in_one_line(error)}") from None

    def read(columns: Columns, skip: int) -> Iterator[Chunk]:
        wanted = [columns.text, *columns.others]
        try:
            batches = table.iter_batches(batch_size=ROWS, columns=wanted, use_threads=False)
            lists = ([batch.column(column).to_pylist() for column in wanted] for batch in batches)
            rows = chain.from_iterable(zip(*columns, strict=True) for columns in lists)
            records = ((checked(text, row, columns.text), *others) for row, (text, *others) in enumerate(rows, 1))
            yield from grouped(records, skip, lambda last: last)
        except (ArrowException, OSError, ValueError, OverflowError) as error:
            raise SourceError(f"{stream.name}: damaged Parquet: {in_one_line(error)}") from None

    types = {column.name: column.type for column in schema}
    return Table(stream.name, tuple(schema.names), table.metadata.num_rows, read, types)
