"""Turn-taking: pure decisions about when, without I/O, asyncio or a wall clock."""
