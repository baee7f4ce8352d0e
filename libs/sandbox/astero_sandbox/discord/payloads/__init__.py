"""How records look on the wire: the same objects in REST answers and gateway events."""
