"""One conversation: audio and what servers say go into the turn machine, and its effects are carried out."""
