"""Few statements are made, however many lengths of pages and of lists are asked for: to make one costs milliseconds."""

from typing import Any

from sources.filters import ContactFilter, ReportFilter
from sources.paging import PageRequest
from sources.scope import EVERYTHING
from sources.sql import incidents, servicemodule
from sources.sql.database import Database
from support.back_ends import Urls

NUMBERS = [f"PL1700-{number:010}" for number in range(100)]


def shapes(collection: Any) -> int:
    return len(collection._statements._templates)


async def test_pages_and_lists_of_all_lengths_are_few_statements(urls: Urls) -> None:
    async with Database("incidents", urls["incidents"]) as database:
        reports = incidents.reports(database)
        for length in range(101):
            await reports.page(PageRequest(length), EVERYTHING)
            await reports.of_parents("citizen", ["999990019"], PageRequest(length), EVERYTHING)
        assert shapes(reports) == 2
        for length in range(1, 101):
            await reports.page(PageRequest(length), EVERYTHING, ReportFilter(number=tuple(NUMBERS[:length])))
        assert shapes(reports) == 2 + 8  # 1, 2, 4 and so on to 128


async def test_a_list_of_any_length_finds_what_it_names(urls: Urls) -> None:
    async with Database("servicemodule", urls["servicemodule"]) as database:
        contacts = servicemodule.contacts(database)
        codes = [
            channel.code for channel in (await servicemodule.channels(database).page(PageRequest(100), EVERYTHING)).rows
        ]
        each = [await contacts.count(EVERYTHING, ContactFilter(channel=(code,))) for code in codes]
        for length in range(1, len(codes) + 1):
            together = await contacts.count(EVERYTHING, ContactFilter(channel=tuple(codes[:length])))
            assert together == sum(each[:length])
        assert await contacts.count(EVERYTHING, ContactFilter(channel=())) == 0
