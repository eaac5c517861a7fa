"""The Flex template: image, `metadata.json`, the graphs of the jobs, and programs that write the last two."""
