import pytest

from pipeline.serve.paths import counted_path


@pytest.mark.parametrize(
    ("path", "counted"),
    [
        ("/", "/"),
        ("/today", "/today"),
        ("/view/mines/atom", "/view"),
        ("/view/mines.json", "/view"),
        ("/views", "/views"),
        ("/article/17", "/article"),
        ("/articles", "other"),
        ("/today/x", "other"),
        ("/anything else", "other"),
    ],
)
def test_paths_are_counted_under_few_names(path: str, counted: str) -> None:
    assert counted_path(path) == counted
