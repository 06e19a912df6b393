"""The port: values and protocols that every connector and the orchestrator share."""
