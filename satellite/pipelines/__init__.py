"""Ways to run a conversation, behind one seam."""
