"""The command line's commands about the service: serve, corrections, completion."""

from pathlib import Path

import click

from pipeline.cli.options import MODEL

CORRECTIONS = click.option(
    "--corrections",
    default="models/corrections.sqlite3",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The SQLite file that keeps what people corrected.",
)


@click.command("serve")
@MODEL
@CORRECTIONS
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0: any free one.")
@click.option("--token-file", type=click.Path(path_type=Path), help="Ask every client for the token in this file.")
@click.option("--max-body", default=1_000_000, show_default=True, help="Bytes that one request may have.")
@click.option("--max-texts", default=1000, show_default=True, help="Texts, or paragraphs, of one request.")
@click.option("--max-seconds", default=10.0, show_default=True, help="To receive a request, and to answer it.")
@click.option("--max-requests", default=128, show_default=True, help="Requests at once; more are told to wait.")
def serve_command(
    model: Path, corrections: Path, host: str, port: int, token_file: Path | None, **limits: float
) -> None:
    r"""Answer over HTTP, and show a page to paste articles in.

    A new champion in the model's folder is taken up without a restart. SIGTERM and Ctrl-C finish what is in
    flight. Without a token, listen on loopback only, unless what guards the network is elsewhere.

    \b
    Examples:
      topics serve
      topics serve --host 0.0.0.0 --port 80 --token-file /run/secrets/token
    """
    from pipeline.serve import run
    from pipeline.serve.settings import Limits, Settings, read_token

    chosen = Limits(
        body=int(limits["max_body"]),
        texts=int(limits["max_texts"]),
        seconds=limits["max_seconds"],
        requests=int(limits["max_requests"]),
    )
    token = read_token(token_file) if token_file else None
    run(Settings(model, corrections, host, port, token, chosen), say=lambda line: click.echo(line, err=True))


@click.group("corrections")
def corrections_group() -> None:
    """See what people corrected on the service's page."""


@corrections_group.command("export")
@CORRECTIONS
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="A file to write, whole or not at all; default: standard output.",
)
def export_command(corrections: Path, output: Path | None) -> None:
    r"""Give the corrections as labelled paragraphs, JSON lines that `topics train` reads.

    The latest correction of a text counts.

    \b
    Example: have the next training learn from them
      topics corrections export --output data/articles/corrections.jsonl
    """
    from pipeline.files import atomic_path
    from pipeline.serve.corrections import export

    lines = [f"{line}\n" for line in export(corrections)]
    if output is None:
        click.echo("".join(lines), nl=False)
    else:
        with atomic_path(output) as part:
            part.write_text("".join(lines), encoding="utf-8")
    click.echo(f"{len(lines)} corrected paragraphs", err=True)


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(ctx: click.Context, shell: str) -> None:
    r"""Print the script that completes commands, options and their values in a SHELL.

    \b
    Examples:
      eval "$(topics completion bash)"                                    in ~/.bashrc
      eval "$(topics completion zsh)"                                     in ~/.zshrc
      topics completion fish > ~/.config/fish/completions/topics.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(kind(ctx.find_root().command, {}, "topics", "_TOPICS_COMPLETE").source())
