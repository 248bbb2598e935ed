"""What the service is told when it starts: where things are, and how much a client may ask for."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.serve.logs import Kind


@dataclass(frozen=True)
class Limits:
    """How much a client may ask for.

    Parameters
    ----------
    body : int
        Bytes of a request.
    texts : int
        Texts, or paragraphs, of a request.
    seconds : float
        To receive a request, and again to predict.
    requests : int
        At once.

    """

    body: int = 1_000_000
    texts: int = 1000
    seconds: float = 10.0
    requests: int = 128


@dataclass(frozen=True)
class Settings:
    """Where the service finds its files, and where it listens.

    Parameters
    ----------
    model : Path
        A bundle or an output directory.
    annotations : Path
        A SQLite file.
    archive : Path or None
        A SQLite file of collected articles, which need not be there, to read and to label anew with each new
        model; None for none.
    host : str
    port : int
        0 for any free one.
    token : str or None
        What every client must send; None for no token.
    limits : Limits
    workers : int
        Processes that predict.
    allowed_hosts : tuple of str
        Names, and where they need one ports, under which others reach the service through a proxy.
    root_path : str
        What stands before every path there, such as `/topics`.
    trusted_proxies : tuple of str
        Addresses and networks whose `X-Forwarded-For` names the client.
    log : {"plain", "json", "off"}
        How requests are logged.
    log_probes : bool
        Whether successful probes are logged as well.
    refresh : float
        Seconds between two looks at the registry.
    codebook : Path or None
        Markdown that is shown beside what is labelled, None for none.

    """

    model: Path
    annotations: Path
    archive: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    limits: Limits = field(default_factory=Limits)
    workers: int = 4
    allowed_hosts: tuple[str, ...] = ()
    root_path: str = ""
    trusted_proxies: tuple[str, ...] = ()
    log: Kind = "plain"
    log_probes: bool = False
    refresh: float = 60.0
    codebook: Path | None = None

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
    """Read a token from its file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    str

    Raises
    ------
    ConfigError
        Where it is missing, empty or not ASCII.

    """
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot read the token: {error}") from None
    if not token:
        raise ConfigError(f"{path}: empty, expected a token")
    return token
