"""Django REST framework, as its documentation teaches, on the same tables with the same work."""
