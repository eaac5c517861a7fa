"""The data that crosses package boundaries: feed rows and Kafka messages, as typed msgspec structs.

`rows`: one item, promotion or store of a feed. `messages`: the messages of the four topics and their JSON.
Imports nothing of Gogobe; every other package may import it.
"""
