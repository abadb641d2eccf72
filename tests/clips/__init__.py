"""Small spoken clips for tests and demonstrations, and how they were made."""
