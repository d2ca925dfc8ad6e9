"""The parts of a pack, one module each: what the view holds, as blocks in the reader's words."""
