"""Map named arrays from a safetensors file, and check that they are what was written.

The format is a length, a JSON header and the arrays end to end (github.com/huggingface/safetensors). Its own
reader copies every array; here they are views of the mapped file, whose pages processes share.
"""

import json
import mmap
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
CHECKSUM = "crc32"
_DTYPES = {"F64": np.float64, "F32": np.float32, "U64": np.uint64, "U8": np.uint8}
_LENGTH = 8


def write(path: Path, arrays: Arrays, metadata: Mapping[str, str]) -> None:
    """Write arrays and metadata, and a checksum over both; the same bytes for the same content."""
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    content = memoryview(save(arrays, metadata={**metadata, CHECKSUM: _checksum(arrays, metadata)}))
    end = _LENGTH + int.from_bytes(content[:_LENGTH], "little")
    header = _in_order(bytes(content[_LENGTH:end]))
    with path.open("wb") as file:
        file.writelines((len(header).to_bytes(_LENGTH, "little"), header, content[end:]))


def read(path: Path, *, mapped: bool = True) -> tuple[Arrays, dict[str, str], bool]:
    """Open a file: its arrays, its metadata, and whether its checksum is right; ValueError for another format.

    Without `mapped` the content is copied: it survives somebody's overwriting the file in place.
    """
    with path.open("rb") as file:
        held = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if mapped else file.read()
    content = memoryview(held)
    end = _LENGTH + int.from_bytes(content[:_LENGTH], "little")
    if end > len(content):
        raise ValueError("the header is longer than the file")
    header = json.loads(bytes(content[_LENGTH:end]))
    metadata = header.pop("__metadata__", {})
    arrays = {name: _array(content[end:], **entry) for name, entry in header.items()}
    right = metadata.pop(CHECKSUM, None) == _checksum(arrays, metadata)
    return arrays, metadata, right


def _in_order(header: bytes) -> bytes:
    """Sort a header by its keys: safetensors writes metadata in another order with every save."""
    text = json.dumps(json.loads(header), sort_keys=True, separators=(",", ":")).encode()
    return text.ljust(-(-len(text) // _LENGTH) * _LENGTH)


def _array(content: memoryview, dtype: str, shape: list[int], data_offsets: tuple[int, int]) -> NDArray[Any]:
    start, end = data_offsets
    if not 0 <= start <= end <= len(content):
        raise ValueError("an array reaches over the end of the file")
    return np.frombuffer(content[start:end], _DTYPES[dtype]).reshape(shape)


def _checksum(arrays: Arrays, metadata: Mapping[str, str]) -> str:
    found = zlib.crc32(json.dumps(dict(metadata), sort_keys=True).encode())
    for name in sorted(arrays):
        found = zlib.crc32(f"{name}{arrays[name].dtype.str}{arrays[name].shape}".encode(), found)
        found = zlib.crc32(arrays[name].data if arrays[name].size else b"", found)
    return f"{found:08x}"
