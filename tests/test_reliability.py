"""The short form of what `make reliability` runs; docs/reliability.md has the figures of the long one."""

import random
import re
from pathlib import Path

import pytest
import reliability
import reliability_disk as disk
import reliability_packages as packages
import support
from reliability_equal import compare
from reliability_kills import Killer, kill_collectors, kill_model_commands, kill_services, kill_tables
from reliability_soak import soak

needs_mounts = pytest.mark.skipif(not disk.available(), reason="`unshare` may make no mounts here")


def test_killed_model_commands_leave_whole_files_and_the_next_command_works(tmp_path: Path) -> None:
    killer = Killer(random.Random(1), tmp_path)
    held = kill_model_commands(killer, tmp_path, {"train": 1, "evaluate": 1}, begun=("train", "evaluate"))
    assert list(held) == ["train: 1 kills", "evaluate: 1 kills"]


def test_killed_tables_resume_to_the_bytes_of_a_run_in_one_go(tmp_path: Path) -> None:
    kill_tables(Killer(random.Random(2), tmp_path), tmp_path, 3)


def test_killed_collectors_lose_and_double_nothing(tmp_path: Path) -> None:
    kill_collectors(Killer(random.Random(4), tmp_path), tmp_path, 6)


def test_a_killed_service_has_kept_what_it_acknowledged(tmp_path: Path) -> None:
    assert kill_services(random.Random(3), tmp_path, 2) > 0


@needs_mounts
@pytest.mark.parametrize("place", range(4))
def test_predictions_on_a_bad_disk_leave_what_was_there(tmp_path: Path, place: int) -> None:
    case = list(disk.output_cases(tmp_path))[place]
    held = disk.run_on_bad_disks(case, tmp_path, (8, 20_000))
    assert held == "read-only refused in one line, 8 kB refused in one line, 20000 kB completed"


@needs_mounts
def test_corrections_on_a_bad_disk_are_refused_and_those_acknowledged_kept(tmp_path: Path) -> None:
    assert re.fullmatch(r"[1-9]\d* acknowledged, 0 lost", disk.corrections_on_a_full_disk(tmp_path))
    assert disk.corrections_on_a_read_only_disk(tmp_path) == "refused, 1 kept"


@needs_mounts
def test_collecting_on_a_bad_disk_keeps_whole_articles_and_goes_on_with_room(tmp_path: Path) -> None:
    assert re.fullmatch(r"[1-9]\d* kept until full, 300 with room", disk.collect_on_a_full_disk(tmp_path))
    assert disk.collect_on_a_read_only_disk(tmp_path) == "refused, 1 kept"


def test_equal_random_states_train_equal_bytes(tmp_path: Path) -> None:
    made = support.write_experiment(tmp_path)
    seeds, cores, kernel = compare(made.config_file, hash_seeds=("1",), cores=(2,))
    assert ("equal bytes" in seeds, cores) == (True, "2 cores: equal bytes")
    assert kernel.startswith("without the kernel: ")


def test_a_service_whose_model_is_replaced_answers_every_request() -> None:
    assert re.match(r"[\d,]+ requests, [1-9]\d* swaps, 0 failed, ", soak(1000, 4))


@pytest.mark.parametrize(
    ("package", "judged"),
    [
        ({"vulns": []}, ("1 packages checked, 0 not, 0 findings", True)),
        ({"skip_reason": "no answer"}, ("0 packages checked, 1 not, 0 findings", False)),
        (
            {"vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}]},
            ("1 packages checked, 0 not, 1 findings\na 2.0: PYSEC-1, fixed in 2.1", False),
        ),
    ],
)
def test_an_audit_holds_if_every_package_was_checked(package: dict[str, object], judged: tuple[str, bool]) -> None:
    assert packages.judged({"dependencies": [{"name": "a", "version": "2.0", **package}]}) == judged


def test_licences_are_counted_by_their_names() -> None:
    components = [
        {"licenses": [{"expression": "MIT OR ISC"}]},
        {},
        {"licenses": [{"license": {"id": "MIT"}}]},
        {
            "licenses": [
                {"license": {"name": "License :: OSI Approved :: BSD License"}},
                {"license": {"id": "MIT"}},
            ]
        },
        {"licenses": [{"license": {"name": "License :: OSI Approved :: BSD License"}}]},
    ]
    assert packages.licences({"components": components}) == {
        "MIT OR ISC": 1,
        "not stated": 1,
        "MIT": 2,
        "BSD License": 1,
    }


def test_every_part_has_its_script_and_its_place_in_the_documentation() -> None:
    page = (packages.ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    for script, *arguments in reliability.PARTS.values():
        assert " ".join(["tests/" + script, *arguments]) in page
        assert (reliability.TESTS / script).exists()
