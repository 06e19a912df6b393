"""The only door for the command line, and later for dashboard, bots, SCIM and webhooks."""
