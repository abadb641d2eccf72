"""Rooms in software and the device that is in one; tools/simulator has rooms of another acoustics for it."""
