"""Wake words and stop words."""
