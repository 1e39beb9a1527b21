"""The loop: lanes run trials, the proposer learns, the journal keeps all of it."""
