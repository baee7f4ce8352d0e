"""The control API under /sandbox: it plays the people, reads what happened and makes trouble."""
