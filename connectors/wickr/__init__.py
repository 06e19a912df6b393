"""One Wickr account, spoken to through the Wickr IO Web Interface of an own bot client."""
