"""`make audit` and `make licences`: known vulnerabilities and licences of the installed packages.

`advisories.py` runs pip-audit on the locks. `licences.py` prints the packages that `packages.py` finds,
`policy.py` decides which licences are accepted, and `policy.toml` has the accepted ones and the exceptions with
their reasons.
"""
