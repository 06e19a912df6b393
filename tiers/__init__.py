"""What is allowed and what should be: pure decisions, no clock, no input or output."""
