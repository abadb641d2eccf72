"""The satellite and the servers on arm64, as a Raspberry Pi has it: run in emulation, and counted in instructions."""
