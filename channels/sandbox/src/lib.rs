//! An adapter that sends nothing: memory, file, scripted failures.
