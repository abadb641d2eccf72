"""From the microphone to clean speech, and how probable it is that somebody speaks."""
