"""Programs that write files of the repository from its code: pages, pictures, sounds, recordings for tests."""
