"""Attacks a house on loopback, takes its servers and its disk away, and says what that did to the room."""
