"""From the microphone to clean 16 kHz speech, and how probable it is that somebody speaks."""
