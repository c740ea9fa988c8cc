"""`python -m tilewright bench`: kernels beside their peers, in one process, on equal threads."""
