"""Scenes of the simulated living room as files, and what their echo is like."""
