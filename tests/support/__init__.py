"""What the tests share: a real cluster, a real server, callers and builders."""
