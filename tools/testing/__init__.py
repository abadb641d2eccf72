"""What tests need of time and of other programs: patience, a virtual clock, a virtual sound card, a chat API."""
