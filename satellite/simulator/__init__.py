"""A room in software: a loudspeaker, a microphone that hears it, and a user who follows a script."""
