"""`make chaos`: the whole system under seeded faults, and an independent check of what it left.

`published` and `portal` are what is announced. `world` and `processes` run the system. `faults` are drawn from
a seed, and `run` lets them happen. `recovery` says when rows flowed again. `reading` and `check` compare what
was published with what is stored. `report` prints it.
"""
