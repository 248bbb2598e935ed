"""Commands about the service: serve, corrections; and shell completion."""

from pathlib import Path

import click

from pipeline.cli.options import MODEL, Command, FilePath, tell

CORRECTIONS = click.option(
    "--corrections",
    default="models/corrections.sqlite3",
    show_default=True,
    type=FilePath(),
    help="SQLite file of the corrections.",
)


@click.command(
    "serve",
    cls=Command,
    extra="serve",
    examples=["topics serve", "topics serve --host 0.0.0.0 --port 80 --token-file /run/secrets/token"],
)
@MODEL
@CORRECTIONS
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="0 for any free one.",
)
@click.option("--token-file", type=FilePath(), help="Require the token in this file.")
@click.option("--max-body", default=1_000_000, show_default=True, help="Limit of bytes per request.")
@click.option("--max-texts", default=1000, show_default=True, help="Limit of texts or paragraphs per request.")
@click.option(
    "--max-seconds", default=10.0, show_default=True, help="Limit of seconds to receive, and to respond."
)
@click.option("--max-requests", default=128, show_default=True, help="Limit of concurrent requests.")
def serve_command(
    model: Path, corrections: Path, host: str, port: int, token_file: Path | None, **limits: float
) -> None:
    """Serve predictions over HTTP, and a page to paste articles in.

    The service loads a new champion without a restart. SIGTERM and Ctrl-C let it finish the requests in flight.
    Use --token-file wherever others can reach the address.
    """
    from pipeline.serve.app import run
    from pipeline.serve.settings import Limits, Settings, read_token

    chosen = Limits(
        body=int(limits["max_body"]),
        texts=int(limits["max_texts"]),
        seconds=limits["max_seconds"],
        requests=int(limits["max_requests"]),
    )
    token = read_token(token_file) if token_file else None
    run(Settings(model, corrections, host, port, token, chosen), say=tell)


@click.group("corrections")
def corrections_group() -> None:
    """Work with the corrections made on the service's page."""


@corrections_group.command(
    "export", cls=Command, examples=["topics corrections export --output data/articles/corrections.jsonl"]
)
@CORRECTIONS
@click.option(
    "--output",
    type=FilePath(output=True),
    help="Write atomically to this file.",
)
def export_command(corrections: Path, output: Path | None) -> None:
    """Export the corrections as labelled paragraphs, JSON lines for `topics train`.

    Only the latest correction of a text is exported.
    """
    from pipeline.files import atomic_file, refuse_overwriting
    from pipeline.serve.corrections import export

    refuse_overwriting(output, (corrections,))
    lines = [f"{line}\n" for line in export(corrections)]
    if output is None:
        click.echo("".join(lines), nl=False)
    else:
        with atomic_file(output) as file:
            file.write("".join(lines).encode(errors="backslashreplace"))
    tell(f"{len(lines)} corrected paragraphs")


@click.command(
    "completion",
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
