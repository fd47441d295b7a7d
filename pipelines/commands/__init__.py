"""The commands of `yuanqing`: what they read from the command line and show on the screen.

Belongs here: options, tables, exit codes. Not here: the work. Nothing heavy is imported before a command runs.
"""
