"""What each command of the workflow does: begin, check, train, evaluate, compare, search, reproduce and so on."""
