"""Names to vectors, and the nearest neighbours of a vector.

`encoder.Encoder` turns text into float32 rows; `index` has an exact index and Annoy behind one protocol.
"""
