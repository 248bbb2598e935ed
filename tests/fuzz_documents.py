"""Damage documents and tables in any way and hold every reader to an answer or one line: `make fuzz`.

python tests/fuzz_documents.py ROUNDS [SEED]

A fault is any other exception, a hang over 20 seconds, or more than 500 MB of memory beyond what libraries take.
"""

import bz2
import faulthandler
import gzip
import io
import lzma
import multiprocessing
import os
import random
import re
import resource
import signal
import sys
import tempfile
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from made_documents import SEEDS

from pipeline.data.documents import articles_in
from pipeline.errors import SourceError, TopicsError
from pipeline.predict.tables import is_table, open_table
from pipeline.schema import Article
from pipeline.text.paragraphs import split

SECONDS = 20
MEGABYTES = 500
ODD = [
    *b"< > & &#0; &x; ]]> <!-- <![CDATA[ <p </ <!ENTITY ' , ; { [ } null NaN 1e999 -1 99999999999 =".split(),
    *b"%PDF- endobj stream endstream /Type << >> xref trailer PK\x05\x06 \x1b[2J \xed\xa0\x80".split(),
    *b"=?utf-8?q?=E9?= Content-Type: boundary= multipart/mixed; charset=utf-7 =3D From: Date: base64".split(),
    *(b'"', b"\\", b"\xe2\x80\xae"),
    *(b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n\n", b"\t", b" " * 5000, b"a" * 9000),
    *(b"<table>" * 300, b"<div>" * 2000, b"[" * 3000, b"\xcc\x80" * 3000),
]
_LIBRARY = re.compile(r": not valid [A-Z]\w+( or \w+)?: \w*(Error|Exception)\b")
PACKERS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Flip, cut, double, splice and insert bytes, once to six times."""
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(content) + 1)
        end = min(len(content), place + chance.choice([1, 2, 10, 100, 1000]))
        kind = chance.randrange(6)
        if kind == 0 and place < len(content):
            content = content[:place] + bytes([chance.randrange(256)]) + content[place + 1 :]
        elif kind == 1:
            content = content[:place]
        elif kind == 2:
            content = content[:place] + content[end:]
        elif kind == 3:
            content = content[:end] + content[place:end] * chance.choice([1, 2, 50]) + content[end:]
        elif kind == 4:
            content = content[:place] + chance.choice(ODD) + content[place:]
        else:
            other = chance.choice(SEEDS)[1]
            content = content[:place] + other[chance.randrange(len(other)) :][:200] + content[place:]
    return content


def mutated(chance: random.Random) -> tuple[str, bytes]:
    """Return a name and a damaged document; half of the packed ones are damaged inside and packed well again."""
    name, content = chance.choice(SEEDS)
    if content.startswith(b"PK") and chance.random() < 0.7:
        content = _repacked(content, chance)
    else:
        content = damaged(content, chance)
    if is_table(name) and not content.startswith(b"PK") and chance.random() < 0.1:
        ending = chance.choice(list(PACKERS))
        name, content = name + ending, PACKERS[ending](content)
        content = damaged(content, chance) if chance.random() < 0.5 else content
    if chance.random() < 0.1:
        name = chance.choice(SEEDS)[0]
    return name, content


def _repacked(content: bytes, chance: random.Random) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        hit = chance.choice(old.namelist())
        for part in old.namelist():
            inner = old.read(part)
            if part == hit:
                inner = damaged(inner, chance)
            if part != hit or chance.random() < 0.9:
                new.writestr(part, inner)
    return out.getvalue()


def read(name: str, content: bytes, folder: Path) -> str:
    """Read a document to its last paragraph or row; return what became of it."""
    try:
        if is_table(name):
            path = folder / name
            path.write_bytes(content)
            with open_table(str(path)) as table:
                columns = table.select("text", ())
                rows = sum(len(chunk.read(columns).texts) for chunk in table.chunks(columns))
            return "read" if rows else "empty"
        for article in articles_in(content, name):
            if isinstance(article, Article):
                assert all(0 <= start < end <= len(article.text) for start, end in split(article.text))
    except TopicsError as error:
        assert isinstance(error, SourceError) or "needs: pip install" in str(error), repr(error)
        assert "\n" not in str(error), repr(error)
        return "refused by the exception of a library" if _LIBRARY.search(str(error)) else "refused"
    return "read"


def work(seed: int, rounds: int) -> tuple[Counter[str], list[str]]:
    """Read damaged documents in this process; return how they ended, and the faults."""
    signal.signal(signal.SIGALRM, _too_long)
    found: Counter[str] = Counter()
    faults = []
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        for name, content in SEEDS:
            read(name, content, Path(folder))
        before = _megabytes()
        for number in range(rounds):
            name, content = mutated(random.Random(f"{seed} {number}"))
            signal.alarm(SECONDS)
            try:
                found[read(name, content, Path(folder))] += 1
            except Exception:
                faults.append(f"{name}, seed {seed}, round {number}: {traceback.format_exc()}")
            finally:
                signal.alarm(0)
            if _megabytes() - before > MEGABYTES:
                faults.append(f"{name}, seed {seed}, round {number}: {_megabytes() - before} MB")
                before = _megabytes()
    return found, faults


def _megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _too_long(_signal: int, _frame: object) -> None:
    raise TimeoutError(f"more than {SECONDS} seconds")


def parts(rounds: int, seed: int) -> Iterator[tuple[int, int]]:
    """Split the rounds into runs of at most 500, each with a seed of its own, in a process of its own."""
    for first in range(0, rounds, 500):
        yield seed + first, min(500, rounds - first)


def main() -> None:
    """Fuzz by all cores from a seed that is printed."""
    faulthandler.enable()
    rounds, seed = [*map(int, sys.argv[1:]), random.SystemRandom().randrange(2**31)][:2]
    print(f"seed {seed}", flush=True)
    total: Counter[str] = Counter()
    faults: list[str] = []
    with multiprocessing.get_context("spawn").Pool(os.cpu_count(), maxtasksperchild=1) as pool:
        for found, wrong in pool.starmap(work, parts(rounds, seed), chunksize=1):
            total += found
            faults += wrong
    print(*faults, sep="\n")
    ends = ", ".join(f"{count} {end}" for end, count in sorted(total.items()))
    print(f"{rounds} damaged documents: {ends}; {len(faults)} faults")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
