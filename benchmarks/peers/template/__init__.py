"""The full-stack template's way: FastAPI, a synchronous SQLModel session a request, response models, everything in the thread pool.

Written as the template's own documentation teaches: ``SessionDep`` and ``CurrentUser`` as dependencies, ``session.get`` and
``session.exec(select(…))``, relationships for what a record shows, one commit a request. Its login role has neither triggers nor row
security: it checks the caller and the scope, and writes the log (one event and a row a record), in its own code.
"""
