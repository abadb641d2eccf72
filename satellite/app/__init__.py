"""The program: its parts are built from settings, run, and stopped."""
