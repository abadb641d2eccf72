"""The rules of a run of Home Assistant's Assist, whatever carries its events."""
