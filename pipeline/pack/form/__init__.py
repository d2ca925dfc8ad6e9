"""The decision form of a session: what is in it (`content`) and how it is drawn (`workbook`)."""
