//! Step batches, send batches, sweeper: the machine that moves customers.
