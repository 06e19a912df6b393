"""Makes it happen: store, flow, keys, audit, API and command line."""
