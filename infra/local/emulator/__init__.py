"""The embedded AWS as a process of ours: MiniStack under a launcher that saves its data; runs on MiniStack's Python."""
