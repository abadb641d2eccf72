"""How the satellite takes turns with real engines and real voices: cut, hole or nothing, and how soon."""
