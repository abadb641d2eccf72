"""Engines that transcribe, one module each."""
