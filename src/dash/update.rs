//! What a newer MPD changes in the model (23009-1 5.4): never older, never a hole in what plays.
