"""The host side of `./pantau`: a private PostGIS and Mosquitto, and one supervisor over every process.

Plain Python and supervisor, nothing of Django: it has to run before there is a database, and the tests and benchmarks
start their own servers with the same code.
"""
