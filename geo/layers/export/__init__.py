"""Whole selections as files: text that SQL writes line by line, and formats that a child process encodes."""
