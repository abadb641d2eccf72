"""The satellite itself talks to the three servers; no Home Assistant is needed."""
