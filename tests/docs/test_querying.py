"""docs/querying.md: every question is answered by the real engine as the page says."""

from urllib.parse import urlsplit

import pytest

from storage.panels import panel_names
from tests.docs.evening import evening
from tests.docs.querying_page import PAGE, answer, asked
from tests.docs.stored_evening import store_evening
from tests.fixtures_store import EmbeddedStore

TEXT = PAGE.read_text()
QUESTIONS = TEXT.split("\n## Twenty questions\n")[1].split("\n### ")[1:]


async def test_every_answer_is_the_engines(embedded_store: EmbeddedStore, store_database: str) -> None:
    await store_evening(store_database)
    database = urlsplit(store_database).path.strip("/")
    found = {}
    for question in QUESTIONS:
        ((language, text, told),) = [each.groups() for each in asked(question)]
        found[question.partition("\n")[0]] = (told, answer(language, text, embedded_store, database))
    assert len(found) == 20
    wrong = {name: now for name, (told, now) in found.items() if told != now}
    assert wrong == {}, "if the page is to follow: python -m tests.docs.querying_page"


def test_the_evening_is_always_the_same() -> None:
    assert evening() == evening()
    assert len(evening()) > 500


def test_questions_are_numbered_and_end_in_a_question_mark() -> None:
    titles = [question.partition("\n")[0] for question in QUESTIONS]
    assert [title.partition(". ")[0] for title in titles] == [str(number) for number in range(1, 21)]
    assert [title for title in titles if not title.endswith("?")] == []


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: str(question.partition("\n")[0]))
def test_a_question_names_the_panel_whose_file_it_asks(question: str) -> None:
    ((_, text, told),) = [each.groups() for each in asked(question)]
    if "dashboards/queries/" in text:
        name = text.split("dashboards/queries/")[1].partition(".sql")[0]
        assert name in panel_names()
        assert f"`{name}`" in question.partition("```")[0]
    assert told.count("\n") >= 3, "an answer without rows shows nothing"
    assert all(len(line) <= 140 for line in text.splitlines())
