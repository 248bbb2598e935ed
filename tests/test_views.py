"""Views in the archive: names, slugs in any script, whom they tell, and what happens to both when they change."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.archive.database import open_archive
from pipeline.archive.selection import Selection, View
from pipeline.archive.views import add_view, get_view, list_views, mail_address, remove_view, slug_of, update_view
from pipeline.errors import ArchiveError

MINES = Selection(topics=("mines",), outlets=("Morning Post",), words='"cleared" field*', threshold=0.4)
MORNING = datetime(2026, 3, 5, 9, tzinfo=UTC)
EVENING = datetime(2026, 3, 5, 19, tzinfo=UTC)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with open_archive(tmp_path / "archive.sqlite3", create=True) as database:
        yield database


def since(archive: sqlite3.Connection, slug: str) -> str:
    found: str = archive.execute("SELECT notify_since FROM views WHERE slug = ?", (slug,)).fetchone()[0]
    return found


def test_a_view_is_read_as_it_was_added(archive: sqlite3.Connection) -> None:
    notify = ["mailto:desk@example.org", "https://hooks.example.org/a?b=c"]
    added = add_view(archive, "Mines, Kharkiv", MINES, notify)
    assert added == View("Mines, Kharkiv", "mines-kharkiv", MINES, tuple(notify))
    assert get_view(archive, "mines-kharkiv") == added
    assert list_views(archive) == [added]


def test_a_view_is_there_for_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "archive.sqlite3"
    with open_archive(path, create=True) as first:
        add_view(first, "Mines", MINES)
    with open_archive(path) as second:
        assert get_view(second, "mines").selection == MINES


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Mines", "mines"),
        ("  Mines  &  schools!", "mines-schools"),
        ("Мінування шкіл", "мінування-шкіл"),
        ("हिंदी समाचार", "हिंदी-समाचार"),
        ("地雷 2026", "地雷-2026"),
        ("Straße", "strasse"),
        ("Cafe\u0301", "café"),
        ("می\u200cخواهم", "میخواهم"),
        ("../../etc/passwd", "etc-passwd"),
        ("???", "view"),
        ("a" * 59 + " bc", "a" * 59),
    ],
)
def test_a_slug_keeps_the_letters_of_every_script(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def test_names_that_make_one_slug_get_two(archive: sqlite3.Connection) -> None:
    slugs = [add_view(archive, name, Selection()).slug for name in ("Mines?", "Mines!", "mines")]
    assert slugs == ["mines", "mines-2", "mines-3"]


def test_a_slug_is_found_however_its_marks_are_written(archive: sqlite3.Connection) -> None:
    add_view(archive, "Café", Selection())
    assert get_view(archive, "cafe\u0301").name == "Café"


def test_views_are_listed_by_name(archive: sqlite3.Connection) -> None:
    for name in ("bees", "Apples", "Zebras", "apples 2"):
        add_view(archive, name, Selection())
    assert [view.name for view in list_views(archive)] == ["Apples", "apples 2", "bees", "Zebras"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "a view needs a name"),
        (" \t ", "a view needs a name"),
        ("a" * 101, "a view's name has at most 100 characters, this one has 101"),
        ("a\x1b[2J", "a view's name has letters, digits and signs, found 'a\\x1b[2J'"),
    ],
)
def test_a_name_that_cannot_be_read_is_refused(name: str, message: str, archive: sqlite3.Connection) -> None:
    with pytest.raises(ArchiveError) as caught:
        add_view(archive, name, Selection())
    assert str(caught.value) == message
    assert list_views(archive) == []


def test_a_name_is_taken_once(archive: sqlite3.Connection) -> None:
    add_view(archive, "Mines", MINES)
    with pytest.raises(ArchiveError, match="there is a view 'Mines' already, mines"):
        add_view(archive, " Mines ", Selection())
    add_view(archive, "Schools", Selection())
    with pytest.raises(ArchiveError, match="there is a view 'Mines' already, mines"):
        update_view(archive, "schools", name="Mines")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (
            "desk@example.org",
            "cannot notify 'desk@example.org': expected mailto:NAME@HOST, or an http or https address",
        ),
        ("mailto:desk", "cannot notify 'mailto:desk': expected such as mailto:desk@example.org"),
        (
            "mailto:a@example.org,b@example.org",
            "cannot notify 'mailto:a@example.org,b@example.org': expected such as mailto:desk@example.org",
        ),
        (
            "mailto:a@a.org%0D%0ABcc:b@b.org",
            "cannot notify 'mailto:a@a.org%0D%0ABcc:b@b.org': expected such as mailto:desk@example.org",
        ),
        (
            "mailto:a@example.org?subject=x y",
            "cannot notify 'mailto:a@example.org?subject=x y': expected such as mailto:desk@example.org",
        ),
        ("mailto:", "cannot notify 'mailto:': expected such as mailto:desk@example.org"),
        (
            "ftp://example.org/",
            "cannot notify 'ftp://example.org/': expected mailto:NAME@HOST, or an http or https address",
        ),
        ("https://[::1", "cannot notify 'https://[::1': expected mailto:NAME@HOST, or an http or https address"),
        (
            "https://me:secret@example.org/",
            "cannot notify 'example.org/': user and password in it would be kept in the archive",
        ),
    ],
)
def test_what_cannot_be_told_is_refused(address: str, message: str, archive: sqlite3.Connection) -> None:
    with pytest.raises(ArchiveError) as caught:
        add_view(archive, "Mines", MINES, [address])
    assert str(caught.value) == message
    assert list_views(archive) == []


def test_a_mail_address_may_be_encoded_and_its_host_in_any_script(archive: sqlite3.Connection) -> None:
    view = add_view(archive, "Mines", MINES, ["mailto:o%27neil@example.org", "MAILTO:desk@приклад.укр"])
    assert list(map(mail_address, view.notify)) == ["o'neil@example.org", "desk@xn--80aikifvh.xn--j1amh"]


def test_an_address_is_told_once(archive: sqlite3.Connection) -> None:
    view = add_view(archive, "Mines", MINES, ["mailto:a@example.org", " mailto:a@example.org "])
    assert view.notify == ("mailto:a@example.org",)


def test_a_view_changes_and_keeps_its_slug(archive: sqlite3.Connection) -> None:
    add_view(archive, "Mines", MINES, ["mailto:a@example.org"])
    changed = update_view(archive, "mines", name="Mined fields", selection=Selection(topics=("aid",)), notify=[])
    assert changed == View("Mined fields", "mines", Selection(topics=("aid",)), ())
    assert get_view(archive, "mines") == changed


@pytest.mark.parametrize(
    ("change", "hour"),
    [
        ({"name": "Others"}, "09"),
        ({"notify": ["mailto:a@example.org", "mailto:b@example.org"]}, "09"),
        ({"selection": MINES}, "09"),
        ({"selection": Selection()}, "19"),
    ],
)
def test_another_selection_tells_of_what_comes_from_now_on(
    change: dict[str, object], hour: str, archive: sqlite3.Connection
) -> None:
    add_view(archive, "Mines", MINES, ["mailto:a@example.org"], now=MORNING)
    update_view(archive, "mines", **change, now=EVENING)  # type: ignore[arg-type]
    assert since(archive, "mines") == f"2026-03-05T{hour}:00:00.000000+00:00"


def test_whoever_is_told_for_the_first_time_hears_of_what_comes_from_now_on(archive: sqlite3.Connection) -> None:
    add_view(archive, "Mines", MINES, now=MORNING)
    update_view(archive, "mines", notify=["mailto:a@example.org"], now=EVENING)
    assert since(archive, "mines") == "2026-03-05T19:00:00.000000+00:00"


def test_a_removed_view_is_gone_with_what_it_told(archive: sqlite3.Connection) -> None:
    add_view(archive, "Mines", MINES)
    kept = add_view(archive, "Schools", Selection())
    archive.execute("INSERT INTO told SELECT id, 1, '2026-03-05' FROM views")
    archive.commit()
    assert remove_view(archive, "mines").name == "Mines"
    assert list_views(archive) == [kept]
    assert archive.execute("SELECT count(*) FROM told").fetchone()[0] == 1


@pytest.mark.parametrize("act", [get_view, remove_view, update_view])
def test_a_view_that_is_not_there_is_named_with_those_that_are(act: object, archive: sqlite3.Connection) -> None:
    add_view(archive, "Mines", MINES)
    with pytest.raises(ArchiveError, match="no view 'minse'; there are: mines"):
        act(archive, "minse")  # type: ignore[operator]


def test_the_first_view_is_missed_in_one_line(archive: sqlite3.Connection) -> None:
    with pytest.raises(ArchiveError, match="no view 'x'; there are: none yet"):
        get_view(archive, "x")


def test_a_selection_of_another_version_is_one_line(archive: sqlite3.Connection) -> None:
    add_view(archive, "Mines", MINES)
    archive.execute("UPDATE views SET selection = '{\"tone\": 1}'")
    with pytest.raises(ArchiveError, match="view mines: not a selection of this program"):
        list_views(archive)
