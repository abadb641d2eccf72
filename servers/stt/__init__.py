"""Speech to text: a Wyoming `asr` service with streaming partials."""
