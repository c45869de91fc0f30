# Tests, lint and the demo; included by the Makefile.
