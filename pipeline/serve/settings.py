"""What the service is told when it starts: where things are, and how much one client may ask."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from pipeline.errors import ConfigError


@dataclass(frozen=True)
class Limits:
    """Bytes of a body, texts (or paragraphs) of a request, seconds to receive or answer it, requests at once."""

    body: int = 1_000_000
    texts: int = 1000
    seconds: float = 10.0
    requests: int = 128


@dataclass(frozen=True)
class Settings:
    """Where the model and the corrections are, where to listen, and for whom."""

    model: Path
    corrections: Path
    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    limits: Limits = field(default_factory=Limits)

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


def read_token(path: Path) -> str:
    """Read a token from its file; raise ConfigError where it is missing, empty or not plain text."""
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: no token can be read: {error}") from None
    if not token:
        raise ConfigError(f"{path}: empty, expected a token")
    return token
