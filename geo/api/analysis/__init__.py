"""`/api/analysis/`: analyses whose result is a document, and the results themselves while they are computed."""
