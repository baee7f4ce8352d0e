"""A Discord on localhost: REST v10, gateway v10, interactions and OAuth2, over real sockets.

Everything a client may see follows Discord's documents; everything under `/sandbox` plays the people
and the faults.
"""
