"""Reads a feed: file name, container, encoding, layout, rows. No Beam, Kafka, SQL or network.

Input: the bytes of one published file. Output: blocks of at most 500 rows, and a summary with reason codes.
Public: `reader.FeedReader`, `batches.cut_batches`, `names.parse_file_name`, `problems.PROBLEMS`. The variants
of chains and countries are data: the tables in `fields` and `layout`.
"""
