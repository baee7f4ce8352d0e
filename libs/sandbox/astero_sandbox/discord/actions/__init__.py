"""Changes of the world together with the events they cause; used by bots and people alike."""
