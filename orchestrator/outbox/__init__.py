"""What is to be done on networks: durable, in order, one lane at a time, and settled honestly."""
