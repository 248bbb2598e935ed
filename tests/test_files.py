import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import support

from pipeline.errors import OutputError
from pipeline.files import atomic_file, atomic_path, hidden, refuse_overwriting


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_block_that_ends_well_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    for content in ("first", "second"):
        with atomic_path(path) as part:
            part.write_text(content, encoding="utf-8")
            assert not path.exists() or path.read_text(encoding="utf-8") != content
        assert path.read_text(encoding="utf-8") == content
    assert names(path.parent) == ["a.txt"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_block_that_fails_leaves_the_old_file_and_no_part(tmp_path: Path, failure: type[BaseException]) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(failure), atomic_path(path) as part:
        part.write_text("half", encoding="utf-8")
        raise failure
    assert path.read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == ["a.txt"]


def test_what_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be written"), atomic_path(tmp_path / "file" / "a.txt") as part:
        part.write_text("x", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="cannot be written"), atomic_path(tmp_path / "folder") as part:
        part.write_text("x", encoding="utf-8")
    assert names(tmp_path) == ["file", "folder"]


def written(path: Path, content: str = "new") -> None:
    with atomic_file(path) as file:
        file.write(content.encode())


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path, *, exists: bool) -> None:
    real, link = tmp_path / "folder" / "real.txt", tmp_path / "link.txt"
    real.parent.mkdir()
    if exists:
        real.write_text("old")
    (tmp_path / "second").symlink_to("folder/real.txt")
    link.symlink_to("second")
    written(link)
    assert (link.is_symlink(), real.is_symlink(), real.read_text()) == (True, False, "new")
    assert names(real.parent) == ["real.txt"]


def test_links_in_a_circle_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OutputError, match="a: cannot be written: Too many levels of symbolic links"):
        written(tmp_path / "a")
    assert names(tmp_path) == ["a", "b"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_a_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(mode)
    for write in (written, one_text):
        write(path)
        assert stat.S_IMODE(path.stat().st_mode) == mode


def one_text(path: Path) -> None:
    with atomic_path(path) as part:
        assert stat.S_IMODE(part.stat().st_mode) == stat.S_IMODE(path.stat().st_mode)  # while it is written, too
        part.write_text("new")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_keeps_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    os.chown(path, 65534, 65534)
    written(path)
    assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65534)


def test_a_new_file_has_the_mode_that_the_system_gives(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    written(tmp_path / "a")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        written(pipe, "through")
        assert reader.communicate()[0] == b"through"
    assert pipe.is_fifo()
    assert names(tmp_path) == ["pipe"]


@pytest.mark.parametrize("link", [False, True])
def test_a_descriptor_is_written_to_after_what_is_there(tmp_path: Path, *, link: bool) -> None:
    with (tmp_path / "log").open("wb") as log:
        log.write(b"before ")
        log.flush()
        path = Path(f"/dev/fd/{log.fileno()}")
        if link:
            (tmp_path / "link").symlink_to(path)
            path = tmp_path / "link"
        written(path, "after")
    assert (tmp_path / "log").read_text() == "before after"
    with pytest.raises(OutputError, match="/dev/fd/999: cannot be written: Bad file descriptor"):
        written(Path("/dev/fd/999"))


@pytest.mark.parametrize("levels", [2, 1100])
def test_folders_that_were_made_vanish_with_a_failure(tmp_path: Path, levels: int) -> None:
    with pytest.raises(ZeroDivisionError), atomic_file(tmp_path / ("d/" * levels) / "c.txt"):
        assert (tmp_path / ("d/" * levels)).is_dir()
        raise ZeroDivisionError
    assert names(tmp_path) == []


def test_a_name_of_the_greatest_length_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("\u00e9" * 127)  # 254 bytes
    written(path)
    assert names(tmp_path) == [path.name]
    assert hidden(path, ".part") != hidden(path.with_name(f"x{path.name[1:]}"), ".part")
    with pytest.raises(OutputError, match="File name too long"):
        written(tmp_path / ("n" * 256))


HOLD = """
import sys
from pathlib import Path
from pipeline.files import atomic_file
with atomic_file(Path(sys.argv[1])) as file:
    file.write(b"first")
    print("writing", flush=True)
    sys.stdin.read()
"""


def test_a_file_that_another_process_writes_is_refused_and_that_of_a_dead_one_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    for ends_well in (True, False):
        with subprocess.Popen(
            [sys.executable, "-c", HOLD, path], env=support.ENVIRONMENT, text=True, **pipes
        ) as first:
            assert first.stdout
            assert first.stdout.readline() == "writing\n"
            with pytest.raises(OutputError, match=r"a\.txt: another process is writing it"):
                written(path)
            if ends_well:
                first.communicate("")
                assert path.read_text() == "first"
                path.unlink()
            else:
                first.kill()
    assert names(tmp_path) == [".a.txt.part"]
    written(path, "n")
    assert (names(tmp_path), path.read_text()) == (["a.txt"], "n")


def test_a_part_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("old")
    (tmp_path / ".a.part").symlink_to("precious")
    with pytest.raises(OutputError, match="cannot be written"):
        written(tmp_path / "a")
    assert (tmp_path / "precious").read_text() == "old"


def test_an_output_that_is_a_source_is_refused_under_every_name(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("text")
    (tmp_path / "link").symlink_to(source)
    (tmp_path / "hard").hardlink_to(source)
    for output in (source, tmp_path / "link", tmp_path / "hard", tmp_path / "." / "a.txt"):
        with pytest.raises(OutputError, match="is the same file as the source"):
            refuse_overwriting(output, ["missing.txt", str(source)])
    (tmp_path / "other").write_text("text")
    refuse_overwriting(tmp_path / "other", [source, "missing.txt", tmp_path])
    refuse_overwriting(tmp_path / "new", [source])
    refuse_overwriting(Path(os.devnull), [os.devnull])
