"""Forms beside a pack: what is in them (`content`, `progress`), how they are drawn (`workbook`)."""
