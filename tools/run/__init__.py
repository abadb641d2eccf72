"""The four processes of a room on this machine's microphone and loudspeaker."""
