"""The three servers that a satellite talks to: speech to text, LLM bridge, text to speech."""
