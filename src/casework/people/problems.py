"""Refusals of the people slice."""

from casework.kernel.problems import Problem


class WrongCredentials(Problem):
    """The login or the password is not right. Nothing says which."""

    status, slug, title = 401, "wrong-credentials", "The login or the password is not right"


class LocalLoginOff(Problem):
    """Log-in with a password is for trial and tests, and off here. Use the force's identity provider."""

    status, slug, title = 403, "local-login-off", "Log-in with a password is off"
