"""`wallcross bench channel`: connectors beside the bare clients of their networks."""
