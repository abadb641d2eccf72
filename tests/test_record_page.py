"""The reference page of the records is what the code says."""

from interject.satellite.records import conversation
from tools.generators.record_page import PAGE, records_of, render


def test_the_page_lists_every_record_as_the_code_declares_it() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run: python -m tools.generators.record_page"


def test_speech_names_fields_that_there_are() -> None:
    for record in records_of(conversation):
        assert set(record.SPEECH) <= set(record.__dataclass_fields__)
