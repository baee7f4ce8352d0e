"""The page: a channel in the browser where one talks to the bots and watches them work."""
