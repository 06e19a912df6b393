"""Who agreed to what, by their own signatures over a plan, its deal and its expiry."""
