"""One Signal account, spoken to through an own signal-cli-rest-api server."""
