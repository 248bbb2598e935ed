"""Style sheets and scripts of the package, and how a page's policy names a script that stands in the page."""

import base64
import hashlib
from importlib.resources import files


def read_asset(name: str) -> str:
    """Return the text of a file in `static`."""
    return (files("pipeline") / "static" / name).read_text(encoding="utf-8")


def script_digest(script: str) -> str:
    """Return what `script-src` of a Content-Security-Policy allows this script by, and no other."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
