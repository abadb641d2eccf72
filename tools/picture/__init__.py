"""A demo as a picture: one SVG file, drawn without any library for that."""
