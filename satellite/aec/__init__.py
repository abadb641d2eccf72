"""Acoustic echo cancellation: what we play is taken out of the microphone, and what is left of it is judged."""
