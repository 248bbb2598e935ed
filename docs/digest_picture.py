"""Make `digest-word.png` anew: a digest of made-up articles, as LibreOffice lays out its Word file.

It needs LibreOffice (apt-get install libreoffice-writer) and a trained model in models/, so it is run by hand when
the document looks different, and not in CI.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import pypdfium2

from pipeline.archive.database import open_archive
from pipeline.archive.write import ArchiveModel, Entry, put
from pipeline.model.bundle import load_bundle
from pipeline.predict.article import bundle_path
from pipeline.schema import Article

HERE = Path(__file__).parent
WIDTH = 900  # pixels
MINES = """Sappers have cleared a field of 12 hectares beside the village school, where farmers found unexploded
shells in autumn. The team leader said that demining of the next field begins on Monday.

Pupils had lessons in the cellar for most of the winter. Teachers say that the school can open its own doors again
once the yard is certified as free of mines.

The village council thanked the donors who paid for the machine."""
POWER = """Shelling cut the power of some 40,000 households overnight, and the water pumps of two districts stood
still. Engineers repaired the substation by noon.

Families with small children were taken to shelters that have generators, and volunteers handed out blankets and
hot meals."""
TALKS = """Delegations of the two sides will meet again next week to discuss a ceasefire along the river, the
mediators said after two days of talks."""
ARTICLES = [
    ("Field beside the school is cleared", "Morning Post", "2026-03-05", MINES),
    ("Sappers leave village field", "Evening Echo", "2026-03-05", MINES.rpartition("\n\n")[0]),
    ("Power back after night of shelling", "Morning Post", "2026-03-05", POWER),
    ("Mediators: talks go on next week", "River Gazette", "2026-03-04", TALKS),
]


def collect(archive: Path) -> None:
    """Put the articles into a new archive, labelled by the model in models/."""
    path = bundle_path(Path("models"))
    model = ArchiveModel.of_file(path, load_bundle(path))
    with open_archive(archive, create=True) as database:
        for title, outlet, day, text in ARTICLES:
            address = f"https://{outlet.split()[0].lower()}.example/{day}"
            paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
            article = Article(address, "\n\n".join(paragraphs), title, day)
            entry = Entry(article, f"{address} {title}", outlet, day, True, address)  # noqa: FBT003  # it is dated
            put(database, entry, model, collected=f"{day}T06:00:00+00:00")


def main() -> None:
    """Write the digest, lay it out, and take a picture of its first page."""
    with tempfile.TemporaryDirectory() as folder:
        archive, word = Path(folder) / "archive.sqlite3", Path(folder) / "digest.docx"
        collect(archive)
        command = [
            sys.executable,
            "-m",
            "pipeline",
            "digest",
            "--archive",
            archive,
            "--now",
            "2026-03-05T09:30+00:00",
        ]
        subprocess.run([*command, "--title", "Morning brief", "--output", word], check=True)
        subprocess.run(["soffice", "--headless", "--convert-to", "pdf", "--outdir", folder, word], check=True)
        page = pypdfium2.PdfDocument(word.with_suffix(".pdf"))[0]
        page.render(scale=WIDTH / page.get_width()).to_pil().save(HERE / "digest-word.png", optimize=True)


if __name__ == "__main__":
    main()
