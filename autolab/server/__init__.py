"""The face in a browser, and the HTTP API: parse, call, render. It has no rule of its own."""
