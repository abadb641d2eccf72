"""Measurements on a virtual sound card whose loudspeaker feeds its microphone through the simulated room."""
