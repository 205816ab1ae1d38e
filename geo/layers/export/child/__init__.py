"""The process that encodes one file. It knows no Django and no database: a question and its rows come in on stdin.

GDAL, Arrow and their memory stay out of the web server, and so does a crash of theirs; and pyogrio's own GDAL never meets
the one that Django has loaded.
"""
