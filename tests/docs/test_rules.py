"""docs/rules.md says what the rulebook, the diagram and a session's story say."""

from tests.docs.rules_page import PAGE, told_story, written_anew
from tests.docs.stored_evening import store_evening


async def test_the_page_is_the_rulebooks(store_database: str) -> None:
    await store_evening(store_database)
    text = PAGE.read_text()
    assert text.count("<!-- end -->") == 7
    assert text == written_anew(text, await told_story(store_database)), "python -m tests.docs.rules_page"
