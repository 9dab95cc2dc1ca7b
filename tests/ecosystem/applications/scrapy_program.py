"""Crawls the site at a port on the loop class that is named: scrapy_program.py PORT CLASS."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.utils.defer import maybe_deferred_to_future
from subject import describe

port, loop_class = sys.argv[1:]
seen: dict[str, Any] = {"doubled": 0}


class Pipeline:
    """Counts what was found, on the loop."""

    async def process_item(self, item: Any, spider: Any = None) -> Any:
        await asyncio.sleep(0.001)
        seen["doubled"] += item["doubled"]
        return item


class Tree(scrapy.Spider):
    """Follows every link."""

    name = "tree"

    async def start(self) -> AsyncIterator[Any]:
        """Where it begins."""
        yield scrapy.Request(f"http://127.0.0.1:{port}/0")

    async def parse(self, response: Any) -> AsyncIterator[Any]:
        """Takes one page: by way of the loop, and of a thread of Twisted's."""
        # The reactor must be Scrapy's choice.
        from twisted.internet import threads

        seen["loop"] = describe()
        await asyncio.sleep(0)
        number = int(response.css("h1::text").get())
        doubled = await maybe_deferred_to_future(threads.deferToThread(lambda: 2 * number))
        yield {"doubled": doubled}
        for link in response.css("a::attr(href)").getall():
            yield response.follow(link)


process = CrawlerProcess(
    {
        "TWISTED_REACTOR": "twisted.internet.asyncioreactor.AsyncioSelectorReactor",
        "ASYNCIO_EVENT_LOOP": loop_class,
        "ITEM_PIPELINES": {Pipeline: 1},
        "LOG_LEVEL": "WARNING",
        "RETRY_TIMES": 1,
        "ROBOTSTXT_OBEY": False,
        "DOWNLOAD_DELAY": 0,
        "TELNETCONSOLE_ENABLED": False,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 16,
    }
)
crawler = process.create_crawler(Tree)
process.crawl(crawler)
process.start()
counts = crawler.stats.get_stats()
for name in ("item_scraped_count", "downloader/response_status_count/503", "retry/count", "finish_reason"):
    seen[name] = counts.get(name)
print(json.dumps(seen))
