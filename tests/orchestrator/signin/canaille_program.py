"""Starts Canaille, a real OpenID provider, on loopback: run by its own environment, never ours.

usage: python canaille_program.py PORT REDIRECT AFTER
It prints one line when it listens. People and the client lie in its memory and go with it.
"""

import sys
from importlib import import_module
from typing import Any

CLIENT, SECRET, PASSWORD = "wallcross", "the-clients-own-secret", "correct horse battery staple"
PEOPLE = ("ada", "bo")


def settings(port: int) -> dict[str, Any]:
    """Of a provider with one client, whom people trust."""
    return {
        "SECRET_KEY": "of-a-test",
        "SERVER_NAME": f"127.0.0.1:{port}",
        "PREFERRED_URL_SCHEME": "http",
        "SESSION_COOKIE_SECURE": False,
        "CACHE_TYPE": "SimpleCache",
        "CANAILLE": {
            "DATABASE": "memory",
            "JAVASCRIPT": False,
            "ENABLE_REGISTRATION": False,
            "SMTP": None,
        },
        "CANAILLE_OIDC": {"REQUIRE_NONCE": True, "ACTIVE_JWKS": [key()]},
    }


def key() -> dict[str, Any]:
    """A signing key of its own."""
    made = import_module("joserfc.jwk").RSAKey.generate_key(2048, {"kid": "real"})
    return dict(made.as_dict(private=True))


def serve(port: int, redirect: str, after: str) -> None:
    """Serves until it is ended."""
    app = import_module("canaille").create_app(config=settings(port))
    with app.app_context():
        populate(app, redirect, after)
    server = import_module("werkzeug.serving").make_server("127.0.0.1", port, app, threaded=True)
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    server.serve_forever()


def populate(app: Any, redirect: str, after: str) -> None:
    """Makes the people and the client."""
    models = import_module("canaille.app").models
    for name in PEOPLE:
        user = models.User(
            user_name=name,
            family_name=name.title(),
            formatted_name=name.title(),
            emails=[f"{name}@kestrel.example"],
            password=PASSWORD,
        )
        app.backend.save(user)
    client = models.Client(
        client_id=CLIENT,
        client_secret=SECRET,
        client_name="Wallcross",
        client_uri="http://127.0.0.1",
        contacts=["ops@kestrel.example"],
        redirect_uris=[redirect],
        post_logout_redirect_uris=[after],
        grant_types=["authorization_code"],
        response_types=["code"],
        token_endpoint_auth_method="client_secret_basic",
        scope=["openid"],
    )
    app.backend.save(client)
    client.audience = [client]
    app.backend.save(client)


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2], sys.argv[3])
