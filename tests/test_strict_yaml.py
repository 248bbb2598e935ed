import pytest

from pipeline.strict_yaml import dump, load


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 100000.0),
        ("-2.5e+3", -2500.0),
        (".5", 0.5),
        ("3.", 3.0),
        ("-12", -12),
        ("0", 0),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("no", "no"),
        ("off", "off"),
        ("Yes", "Yes"),
        ("y", "y"),
        ("2026-11-29", "2026-11-29"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("007", "007"),
        ("1e", "1e"),
        ("e3", "e3"),
        ("мир", "мир"),
        ("'1'", "1"),
        ("&a [1, 2]", [1, 2]),
    ],
)
def test_plain_scalars_are_those_of_yaml_1_2(text, value):
    found = load(f"key: {text}")["key"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "'a'"),
        ("a:\n  b: 1\n  'b': 2\n", 3, "'b'"),
        ("- {x: 1, y: 2, x: 1}\n", 1, "'x'"),
        ("1: a\n1: b\n", 2, "'1'"),
    ],
)
def test_a_key_that_is_given_twice_is_told_with_its_line(text, line, key):
    with pytest.raises(ValueError, match=rf"^line {line}: not valid YAML: key {key} is given twice$"):
        load(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1", "line 1: not valid YAML: "),
        ("a: 1\n\tb: 2", "line 2: not valid YAML: "),
        ("x: !!python/name:os.system", "line 1: not valid YAML: could not determine a constructor"),
        ("{[a]: 1}", "line 1: not valid YAML: found unhashable key"),
        ("a: *b", "line 1: not valid YAML: found undefined alias"),
        ("a: \x07", "not valid YAML: "),
        ("[" * 5000, "not valid YAML: nested too deep"),
        ("a: 1\n---\nb: 2", "line 2: not valid YAML: but found another document"),
    ],
)
def test_what_is_no_yaml_is_told_in_one_line(text, words):
    with pytest.raises(ValueError) as caught:  # the words are checked below
        load(text)
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "value", ["no", "1e3", "2026-11-29", "010", "~", "1:30", "true", "мир", "", 1e-5, 0.1, 7, None, True]
)
def test_what_is_written_reads_back_the_same(value):
    found = load(dump({"key": value}))["key"]
    assert (found, type(found)) == (value, type(value))
