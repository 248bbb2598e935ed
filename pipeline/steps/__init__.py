"""What each command of the workflow does: train, evaluate, compare, search, reproduce, learning curve."""
