"""Runs the satellite, and the servers beside it, as services of systemd."""
