"""The parts of the follow-up pack, in the order of the pack."""
