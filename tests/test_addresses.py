import pytest

from pipeline.data.addresses import parse, shown


@pytest.mark.parametrize(
    ("url", "netloc", "target"),
    [
        ("https://az.wikipedia.org/wiki/Bak\u0131", "az.wikipedia.org", "/wiki/Bak%C4%B1"),
        ("https://az.wikipedia.org/wiki/Bak%C4%B1", "az.wikipedia.org", "/wiki/Bak%C4%B1"),
        ("http://\u043d\u043e\u0432\u043e\u0441\u0442\u0438.\u0440\u0444", "xn--b1amnebsh.xn--p1ai", "/"),
        ("http://b\u00fccher.example?q=\u00fc b&c='d'", "xn--bcher-kva.example", "/?q=%C3%BC%20b&c=%27d%27"),
        ("http://fa\u00df.example/", "xn--fa-hia.example", "/"),
        ("HTTP://EXAMPLE.org:80/A", "example.org", "/A"),
        ("https://example.org:80/", "example.org:80", "/"),
        ("https://example.org:443/", "example.org", "/"),
        ("http://[2001:DB8::1]:8080/", "[2001:db8::1]:8080", "/"),
        ('http://example.org/a b"<>`{}', "example.org", "/a%20b%22%3C%3E%60%7B%7D"),
        ("http://example.org/100%/a%20b", "example.org", "/100%/a%20b"),
        ("http://example.org\\a\\b?c\\d", "example.org", "/a/b?c\\d"),
        ("http://example.org/a?b?c=/d#e", "example.org", "/a?b?c=/d"),
        ("  http://exa\tmple.org/\na ", "example.org", "/a"),
        ("http://example.org/caf\udce9", "example.org", "/caf%E9"),
        ("http://ex_ample.org/~a;b=c", "ex_ample.org", "/~a;b=c"),
        ("http://example.org/@medium/a:b", "example.org", "/@medium/a:b"),
    ],
)
def test_addresses_are_encoded_as_browsers_do(url: str, netloc: str, target: str) -> None:
    found = parse(url)
    assert (found.netloc, found.target) == (netloc, target)


@pytest.mark.parametrize(
    ("url", "login"),
    [
        ("http://me:secret@h/", "bWU6c2VjcmV0"),
        ("http://me@h/", "bWU6"),
        ("http://me:p%40ss@h/", "bWU6cEBzcw=="),
        ("http://me:p@ss@h/", "bWU6cEBzcw=="),
        ("http://me:\u00fc@h/", "bWU6w7w="),
        ("http://h/a@b", None),
    ],
)
def test_a_login_is_that_of_basic_authentication(url: str, login: str | None) -> None:
    assert (parse(url).login, parse(url).host) == (login, "h")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://me:secret@h/a@b?c@d#e@f", "http://h/a@b?c@d#e@f"),
        ("http://me:p@ss@h/", "http://h/"),
        ("https://h/@someone", "https://h/@someone"),
        ("http:\\\\me:secret@h\\a", "http:\\\\h\\a"),
        ("ftp://me:secret@h/", "h/"),
        ("http://me:sec/ret@h/", "h/"),
        ("http://me:sec#ret@h/", "h/"),
        ("//me:secret@h/", "h/"),
        ("example.org", "example.org"),
        (" http://h/\na ", "http://h/a"),
    ],
)
def test_no_password_is_shown(url: str, expected: str) -> None:
    assert shown(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "http://[",
        "ftp://h/",
        "//h/",
        "h",
        "http://h:0/",
        "http://h:x/",
        "http://h:65536/",
        "http://a b/",
        "http://h%20/",
        "http://%ff/",
        "http://\ud800/",
        "http://a..\u00e9/",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_web_address_is_a_value_error(url: str) -> None:
    with pytest.raises(ValueError):
        parse(url)
