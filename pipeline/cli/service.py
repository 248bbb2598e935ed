"""Commands about the service: serve; and shell completion."""

import math
import re
from functools import partial
from pathlib import Path
from typing import Any

import click

from pipeline.cli.annotations import ANNOTATIONS, annotations_of
from pipeline.cli.archive import ARCHIVE, archive_of
from pipeline.cli.options import MODEL_ADDRESS, Command, FilePath, fetched

_CODEBOOK = Path("data/CODEBOOK.md")


class HostName(click.ParamType):  # type: ignore[type-arg]  # generic only for the type checker
    """A host's name, with a port where it needs one."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it in ASCII and lower case."""
        from pipeline.data.addresses import parse

        try:
            if set(value) & set("/\\?#@*"):
                raise ValueError("more than a host")
            return parse(f"http://{value}").netloc
        except ValueError:
            self.fail(f"{value!r}: expected a host's name, such as topics.example.org", param, ctx)


class RootPath(click.ParamType):  # type: ignore[type-arg]  # generic only for the type checker
    """What stands before every path of the service."""

    name = "path"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it without a slash at its end."""
        path = value.rstrip("/")
        if path and not re.fullmatch(r"(/[\w~-][\w.~-]*)+", path, re.ASCII):
            self.fail(f"{value!r}: expected a path, such as /topics", param, ctx)
        if path.startswith(("/v1", "/static")):
            self.fail(f"{value!r}: the service has such paths itself; choose another", param, ctx)
        return path


class Network(click.ParamType):  # type: ignore[type-arg]  # generic only for the type checker
    """An address, or a network such as 10.0.0.0/8."""

    name = "address"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check it."""
        from ipaddress import ip_network

        try:
            ip_network(value)
        except ValueError:
            self.fail(f"{value!r}: expected an address or network, such as 10.0.0.0/8", param, ctx)
        return value


class Seconds(click.FloatRange):
    """A positive number of seconds, at most an hour."""

    def __init__(self) -> None:
        super().__init__(0, 3600, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse what is no number as well, which no range does."""
        found = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(f"{value!r} is not a number", param, ctx)
        return found


@click.command(
    "serve",
    short_help="Serve the pages to read and label on, and the API.",
    cls=Command,
    extra="serve",
    examples=[
        "topics serve",
        "topics serve --host 0.0.0.0 --port 80 --token-file /run/secrets/token",
        "topics serve --allowed-host news.example.org --root-path /labels --trusted-proxy 127.0.0.1",
        "topics serve --model models:/news-paragraph-topics@champion --log json",
    ],
)
@MODEL_ADDRESS
@ANNOTATIONS
@ARCHIVE
@click.option(
    "--codebook",
    type=FilePath(exists=True, dir_okay=False),
    help="Markdown shown beside what is labelled. [default: data/CODEBOOK.md, where it has the model's topics]",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="0 for any free one.",
)
@click.option("--token-file", type=FilePath(), help="Require the token in this file.")
@click.option("--insecure", is_flag=True, help="Let others reach the service without a token.")
@click.option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    type=HostName(),
    help="Name under which a proxy publishes the service; repeatable.",
)
@click.option(
    "--root-path", default="", type=RootPath(), help="Path under which a proxy publishes it, such as /topics."
)
@click.option(
    "--trusted-proxy",
    "trusted_proxies",
    multiple=True,
    type=Network(),
    help="Address or network of a proxy whose X-Forwarded-For names the client; repeatable.",
)
@click.option(
    "--log",
    type=click.Choice(["plain", "json", "off"]),
    default="plain",
    show_default=True,
    help="Form of a line for each request on standard error; off for none.",
)
@click.option("--log-probes", is_flag=True, help="Log successful /healthz, /readyz and /metrics, too.")
@click.option(
    "--refresh",
    default=60.0,
    show_default=True,
    type=Seconds(),
    help="Seconds between looking up a model of MLflow again.",
)
@click.option(
    "--workers",
    default=4,
    show_default=True,
    type=click.IntRange(1, 256),
    help="Processes that read files and predict.",
)
@click.option(
    "--max-body",
    default=1_000_000,
    show_default=True,
    type=click.IntRange(1),
    help="Limit of bytes per request.",
)
@click.option(
    "--max-texts",
    default=1000,
    show_default=True,
    type=click.IntRange(1),
    help="Limit of texts or paragraphs per request.",
)
@click.option(
    "--max-seconds",
    default=10.0,
    show_default=True,
    type=Seconds(),
    help="Limit of seconds to receive, and to respond.",
)
@click.option(
    "--max-requests",
    default=128,
    show_default=True,
    type=click.IntRange(1),
    help="Limit of concurrent requests.",
)
def serve_command(**options: Any) -> None:
    """Serve predictions over HTTP, a page to paste articles in, and pages to read collected articles.

    The service loads a new champion without a restart, from a file or from MLflow's registry, and labels the
    archive anew with it. SIGTERM and Ctrl-C let it finish the requests in flight. Wherever others can reach the
    address, --token-file is required.
    """
    from pipeline.serve.app import run
    from pipeline.serve.settings import Limits, Settings, read_token

    asked = options["model"]
    look_up = partial(fetched, asked) if isinstance(asked, str) else None
    settings = Settings(
        model=look_up() if look_up else asked,
        annotations=options["annotations"] or annotations_of(asked),
        archive=archive_of(asked, options["archive"]),
        codebook=options["codebook"] or _CODEBOOK,
        host=options["host"],
        port=options["port"],
        token=read_token(options["token_file"]) if options["token_file"] else None,
        limits=Limits(options["max_body"], options["max_texts"], options["max_seconds"], options["max_requests"]),
        workers=options["workers"],
        allowed_hosts=options["allowed_hosts"],
        root_path=options["root_path"],
        trusted_proxies=options["trusted_proxies"],
        log=options["log"],
        log_probes=options["log_probes"],
        refresh=options["refresh"],
    )
    if settings.token is None and not settings.loopback and not options["insecure"]:
        raise click.UsageError(
            f"--host {settings.host} lets others reach the service: add --token-file or --insecure"
        )
    run(settings, look_up=look_up)


@click.command(
    "completion",
    short_help="Print the script that completes commands.",
    cls=Command,
    examples=[
        'eval "$(topics completion bash)"    # in ~/.bashrc',
        'eval "$(topics completion zsh)"     # in ~/.zshrc',
        "topics completion fish > ~/.config/fish/completions/topics.fish",
    ],
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(ctx: click.Context, shell: str) -> None:
    """Print the script that completes commands, options and values in a SHELL."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(kind(ctx.find_root().command, {}, "topics", "_TOPICS_COMPLETE").source())
