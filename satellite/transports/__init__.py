"""Who hears, thinks and speaks for a conversation: three servers, or Home Assistant."""
