"""Write docs/commands.md: the `--help` of every command, as it is printed 100 columns wide."""

from pathlib import Path

import click

from pipeline.__main__ import main

PAGE = Path(__file__).with_name("commands.md")
WIDTH = 100


def pages(command: click.Command, name: str, parent: click.Context | None = None) -> list[str]:
    """Return the help of a command and of those below it, each with its heading."""
    context = click.Context(command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH)
    found = [f"## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"]
    if isinstance(command, click.Group):
        for below in sorted(command.list_commands(context)):
            if (inner := command.get_command(context, below)) and not inner.hidden:
                found += pages(inner, below, context)
    return found


def content() -> str:
    """Return the whole page."""
    return "# Commands\n\nWritten by `python docs/commands.py`.\n\n" + "\n".join(pages(main, "topics"))


if __name__ == "__main__":
    PAGE.write_text(content(), encoding="utf-8")
