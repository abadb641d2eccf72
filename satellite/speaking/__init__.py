"""Reply audio on its way to the loudspeaker, and what the user heard of it."""
