"""Sample input and output behind one Protocol."""
