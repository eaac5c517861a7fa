"""Published files straight into the database, without Kafka and without a runner: archives, or a quick look.

`sources` finds the files, `describe` makes of each the message that a download would make, `load` reads,
matches and commits them with the functions of the pipeline's steps. Used by the command `gogobe load`.
"""
