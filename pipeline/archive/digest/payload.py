"""A digest as JSON: the body that webhooks get."""

import json
from typing import Any

from pipeline.archive.digest.rows import Digest, Entry, Section, place

VERSION = 1


def as_json(digest: Digest) -> bytes:
    """Write a digest as one object of JSON.

    Parameters
    ----------
    digest : Digest

    Returns
    -------
    bytes

    """
    return (json.dumps(as_object(digest), ensure_ascii=False, indent=1) + "\n").encode()


def as_object(digest: Digest) -> dict[str, Any]:
    """Return a digest as what JSON can hold; `docs/digest.md` describes it.

    Parameters
    ----------
    digest : Digest

    Returns
    -------
    dict

    """
    return {
        "version": VERSION,
        "title": digest.title,
        "key": digest.key,
        "period": digest.period,
        "made": digest.made.isoformat(timespec="seconds"),
        "model": digest.model,
        "summary": digest.summary,
        "more": digest.cut,
        "topics": [_topic(section) for section in digest.sections],
        "stories": [_story(section, entry) for section, entry in digest.entries],
    }


def _topic(section: Section) -> dict[str, Any]:
    count = section.count
    return {
        "id": section.topic.id,
        "title": section.topic.title,
        "stories": count.stories,
        "articles": count.articles,
        "paragraphs": count.paragraphs,
        "days": dict(section.days),
    }


def _story(section: Section, entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.story.id,
        "topic": section.topic.id,
        "title": entry.story.title,
        "about": list(entry.story.about),
        "mentioned": list(entry.story.mentioned),
        "outlets": list(entry.story.outlets),
        "articles": [
            {
                "title": article.title,
                "outlet": article.outlet,
                "day": article.day,
                "address": article.address,
                "place": place(article),
                "language": article.language,
            }
            for article in entry.story.articles
        ],
        "quotations": [
            {"paragraph": quotation.number, "text": quotation.text, "scores": quotation.scores}
            for quotation in entry.quotations
        ],
        "more_quotations": entry.more,
    }
