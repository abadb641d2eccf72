"""What happens, as records, and who is told of them."""
