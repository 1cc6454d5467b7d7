"""One file a language, each with a `LANGUAGE`. A new language is a new file here; tests/calls/test_languages.py says
what it lacks."""
