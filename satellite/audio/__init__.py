"""Microphone and loudspeaker, and what is played: replies, and the satellite's own sounds."""
