"""Checking at the point of entry: a department's own system asks before it saves a record, and nothing is kept.

Belongs here: answering with the rules that files are held to, who may ask, and the page on which a clerk looks at a file. Not here:
rules and repairs (`expectations`, `assets.repair`), the way of a file (`pipelines.precheck`), the servers of the UI
(`pipelines.serving`). What serves HTTP is imported inside functions: FastAPI and uvicorn are an extra.
"""
