"""The commands of the command line, by what they are for; nothing else knows the command-line library."""
