"""The reference page of the settings is what the code says."""

from tools.generators.settings_page import PAGE, render


def test_the_page_lists_every_setting_as_the_code_declares_it() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run: python -m tools.generators.settings_page"
