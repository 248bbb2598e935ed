"""The section of the data card on what people labelled, by whom and when."""

HEADING = "## Labelled by people"
_INTRODUCTION = "Written by `topics merge`: rows and labels that people decided on."


def with_entry(card: str, entry: str) -> str:
    """Add an entry to the section of a data card on what people labelled.

    Parameters
    ----------
    card : str
        Markdown.
    entry : str
        Items of a list.

    Returns
    -------
    str
        With the entry at the end of its section, which stands before the tables; a card without it gets one.

    """
    if entry in card:
        return card
    if f"\n{HEADING}\n" not in card:
        before, tables, after = card.partition("\n## Tables\n")
        return f"{before.rstrip()}\n\n{HEADING}\n\n{_INTRODUCTION}\n\n{entry}{tables}{after}"
    start = card.index(f"\n{HEADING}\n") + len(HEADING) + 2
    end = card.find("\n## ", start)
    section, after = (card[start:end], card[end:]) if end >= 0 else (card[start:], "")
    return f"{card[:start]}{section.rstrip()}\n{entry}{after}"


def with_tables(card: str, tables: str) -> str:
    """Put new tables in the place of a data card's own.

    Parameters
    ----------
    card : str
        Markdown.
    tables : str
        As `data.statistics.describe` writes them, each with its heading.

    Returns
    -------
    str
        The card as it is, where it has none that begin as these do.

    """
    start = card.find(f"\n{tables.partition(chr(10))[0]}\n") + 1
    if not start:
        return card
    end = card.find("\n## ", start)
    return card[:start] + tables + (card[end:] if end >= 0 else "")
