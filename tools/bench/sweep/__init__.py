"""Sweeps in the simulated room that decide the numbers of hearing and of turn-taking."""
