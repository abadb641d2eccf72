"""Speech-to-text, agent and voice of a conversation: from three servers, or from Home Assistant."""
