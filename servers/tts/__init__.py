"""The text-to-speech server: text in, speech and the times of its words out."""
