"""Instructions of a frame on arm64, counted: the whole device in an emulated Python.

No ARM board is at hand, and a stopwatch on another machine says little about one. Instructions can
be counted exactly: QEMU runs the very pipeline of an instrument (Debian's arm64 Python, the arm64
wheels of numpy and OpenCV, the cross-compiled C library), a plugin counts what it executes, and the
pipeline's clock marks the stages. What the C library executes is told apart by its addresses, so
that the share of the interpreter is seen and not guessed.

`environment.py` builds all that once, `counting.py` runs it, `guest.py` is what runs inside.
"""
