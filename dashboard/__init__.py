"""The dashboard: shows views and sends commands through the API client; holds no secret."""
