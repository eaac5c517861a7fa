"""How well matching works: precision and recall on chains that the model has not seen, and training.

`evaluate` holds one chain out at a time; `train` fits the weights; `threshold` chooses where to accept;
`audit` lists masters whose names are far apart.
"""
