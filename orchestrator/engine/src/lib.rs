//! The transition function: program, state, input and instant in, transition out.
