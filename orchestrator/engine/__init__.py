"""Who drains which lane and when. The state itself lies in our own tables."""
