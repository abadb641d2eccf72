"""What travels between the processes: events, framing, services, discovery, settings, traces."""
