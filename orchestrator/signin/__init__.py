"""Who is signed in: sessions, one-time links, logins bound to people, and what each may see."""
