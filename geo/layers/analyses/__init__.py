"""What numpy computes, declared: a file for each analysis, a layer or a document."""
