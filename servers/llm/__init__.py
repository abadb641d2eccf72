"""The LLM bridge: a Wyoming `handle` service over a chat model, with a history of what the user heard."""
