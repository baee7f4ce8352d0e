"""The gateway: sockets that come and go, and sessions that outlive them."""
