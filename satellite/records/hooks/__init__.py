"""Tells the world outside what happens: programs that are run, and an event service."""
