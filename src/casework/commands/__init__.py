"""What can be done from the command line, a module for each kind of thing."""
