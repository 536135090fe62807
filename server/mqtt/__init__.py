"""The shore behind an MQTT broker: the desk, the workers, the broker's own files."""
