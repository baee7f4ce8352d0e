"""Interactions: a person uses a command, a component or a modal; the bot has three seconds to answer."""
