"""Reading a feed: file name, container, encoding, layout, rows. No Beam, Kafka, SQL or network.

Input: the bytes of one published file. Output: blocks of at most 500 rows and a summary with reason codes.
Public: `reader.FeedReader`, `batches.cut_batches`, `names.parse_file_name`, `problems.PROBLEMS`. A layout of
a chain or country is data: the tables in `layout` and `elements`.
"""
