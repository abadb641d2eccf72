"""Words that wake the satellite or silence it, while it waits and while it speaks."""
