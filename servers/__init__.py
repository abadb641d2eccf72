"""The three servers that a satellite talks to: speech to text, LLM bridge, text to speech."""

import wire  # noqa: F401 - before any library that it keeps from reporting
