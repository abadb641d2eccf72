"""A satellite on a virtual clock: servers and a room that are simulated, so that a day passes in minutes."""
