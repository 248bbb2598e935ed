"""Collect articles from addresses: pages, documents and feeds, asked again only for what has changed."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from pipeline.archive import visited
from pipeline.archive.collect import Collector, Parts
from pipeline.archive.entries import storable, web_address
from pipeline.archive.visited import Content
from pipeline.data.addresses import shown
from pipeline.data.sources import articles_of_page
from pipeline.data.visits import RobotsError, Visitor
from pipeline.data.web import Page
from pipeline.errors import SourceError
from pipeline.schema import Article


class WebCollector:
    """Puts what one address after the other holds into an archive.

    An address that fails is left alone for a while, longer after each further failure.

    Parameters
    ----------
    collector : Collector
    visitor : Visitor

    """

    def __init__(self, collector: Collector, visitor: Visitor) -> None:
        self._collector, self._visitor = collector, visitor
        self._database, self._how = collector.database, collector.how

    def pages(self, addresses: Sequence[str]) -> None:
        """Collect the page, document or feed at every address; robots.txt is heeded."""
        self._all(addresses, feeds=False)

    def feeds(self, addresses: Sequence[str]) -> None:
        """Collect the entries of the feed at every address; feeds are for programs, so robots.txt is not asked."""
        self._all(addresses, feeds=True)

    def _all(self, addresses: Sequence[str], *, feeds: bool) -> None:
        for address in dict.fromkeys(addresses):
            if self._how.stopping():
                return
            name = storable(shown(address))
            if not self._is_waiting(name):
                self._collector.attempt(name, lambda: self._one(address, name, feed=feeds))  # noqa: B023  # called at once

    def _is_waiting(self, name: str) -> bool:
        until = visited.due(self._database, name, self._how.now())
        if until:
            self._how.note(f"{name}: failed before, to be asked again after {until:%Y-%m-%d %H:%M} UTC")
            self._collector.summary.waiting += 1
        return until is not None

    def _one(self, address: str, name: str, *, feed: bool) -> bool:
        before = visited.articles_read(self._database, name, self._how.reading)
        version = visited.validators(self._database, name) if before is not None else None
        try:
            page = self._visitor.fetch(address, validators=version, heed_robots=not feed)
            parts = articles_of_page(page) if page.is_modified else []
            is_feed = any(_is_entry(part, page) for part in parts)
            if feed and parts and not is_feed:
                raise SourceError(f"{name}: no feed; to read a page, use --url {name}")
        except SourceError as error:
            visited.note_failure(self._database, name, error, self._how.now())
            raise
        is_whole = True
        if not page.is_modified:
            self._collector.summary.articles.update({"unchanged": before or 0})
        else:
            is_whole = self._keep(page, name, parts, full_text=is_feed and self._how.full_text)
        if is_whole:
            visited.note_success(self._database, name, page.validators, self._how.now())
        return is_whole

    def _keep(self, page: Page, name: str, parts: Parts, *, full_text: bool) -> bool:
        content = Content(name, self._how.reading, hashlib.sha256(page.content).hexdigest(), len(parts))
        if self._collector.is_known(content):
            return True
        is_whole, rest = True, list(parts)
        if full_text:
            is_whole, rest = self._full_texts(parts)
        is_whole = self._collector.keep(name, name, rest) and is_whole
        if is_whole:
            visited.note_content(self._database, content)
        return is_whole

    def _full_texts(self, parts: Parts) -> tuple[bool, list[Article | SourceError]]:
        """Collect the pages behind a feed's entries.

        Returns
        -------
        is_whole : bool
            Whether every page was read, or is not to be.
        rest : list of Article or SourceError
            The entries whose own text has to do.

        """
        is_whole, rest = True, []
        for part in parts:
            if self._how.stopping():
                return False, []
            link = web_address(storable(part.origin or "")) if isinstance(part, Article) else None
            if isinstance(part, SourceError) or link is None:
                rest.append(part)
                continue
            content = Content(link, self._how.reading, _digest(part), 1)
            if self._collector.is_known(content):
                continue
            try:
                is_kept = not self._is_waiting(link) and self._page_behind(part, link)
            except RobotsError as error:
                self._how.note(str(error))
                rest.append(part)
                continue
            if is_kept:
                visited.note_content(self._database, content)
            else:
                is_whole = False
                rest.append(part)
        return is_whole, rest

    def _page_behind(self, entry: Article, link: str) -> bool:
        """Collect the page that an entry of a feed leads to; raise RobotsError where it is not to be fetched."""
        try:
            page = self._visitor.fetch(link)
            found = [part for part in articles_of_page(page) if isinstance(part, Article)]
        except RobotsError:
            raise
        except SourceError as error:
            visited.note_failure(self._database, link, error, self._how.now())
            self._collector.fail(link, error)
            return False
        title, date = found[0].title or entry.title, entry.date or found[0].date
        outlet = entry.outlet or found[0].outlet
        article = replace(found[0], source=link, title=title, date=date, outlet=outlet)
        return self._collector.keep(link, link, [article])


def _is_entry(part: Article | SourceError, page: Page) -> bool:
    return isinstance(part, Article) and part.source.startswith(f"{page.source}#")


def _digest(entry: Article) -> str:
    return hashlib.sha256(
        "\x1f".join((entry.title or "", entry.date or "", entry.text)).encode("utf-8", "replace")
    ).hexdigest()
