"""The documentation as a site: the pages of `docs/`, and pages that are generated from the code.

python -m website [FOLDER]        builds into var/site; a warning fails the build
"""
