"""What may interrupt a reply in this room: everything, a word, or nothing."""
