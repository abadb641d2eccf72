"""The numbers of this project, measured: simulated rooms, real processes; and what single parts cost or hear."""
