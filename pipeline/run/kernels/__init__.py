"""Warm kernels: packs made in processes forked from a template that has imported everything.

A cold kernel with its imports takes several times the work of a pack. So one process per run, the
template, imports what packs need and rehearses it; each pack is then made in a fork of it:

    worker ── asks ──> template ── forks ──> pack process ── forks ──> kernel
       <───────────────── outcome ───────────────┘

The pack process forks its kernel before it has a thread or a socket of zmq, and is its parent: so
the kernel's own watch on its parent, limits and clean-up work as with an ordinary kernel. Where
there is no such fork (macOS, Windows, any fault) the pack is made in the worker with an ordinary
kernel, by the same code and with the same result.
"""
