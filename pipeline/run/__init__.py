"""Making packs: which sessions, one pack, all packs, the record of what was made."""
