"""Our own voice taken out of the microphone: a frequency-domain Kalman filter, and what is known of its echo."""
