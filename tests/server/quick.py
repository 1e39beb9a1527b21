"""Passwords that cost a test nothing: what argon2id costs is not what is tested."""

from __future__ import annotations

from argon2 import PasswordHasher

from autolab.server.passwords import Passwords

PASSWORD = "a teal cat on a warm hot plate"
QUICK = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
