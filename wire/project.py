"""What the project is called, and where it is published."""

from __future__ import annotations

from wyoming.info import Attribution

# Not published yet: None until there is an address. Nothing else in the repository names one; what has to follow when
# this is set is held by tests/test_project.py.
REPOSITORY: str | None = None

# Whom programs of ours name as their author; a URL that is empty means none.
ATTRIBUTION = Attribution(name="Interject", url=REPOSITORY or "")
