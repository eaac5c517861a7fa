"""The program that the Flex template's launcher runs; the work is done by the module."""

import sys

from gogobe.pipelines.dataflow import main

main(sys.argv[1:])
