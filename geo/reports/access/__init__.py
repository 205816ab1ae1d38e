"""Who asks, and what is theirs: principals, accounts, tokens, keys, links."""
