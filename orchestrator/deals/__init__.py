"""The deals of this home, as they are in force."""
