"""OpenPGP mail as a channel: one mailing to one adviser is one room, one key, one mail."""
