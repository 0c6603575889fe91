//! Shared programs as bytes: each as if it stood there alone.

use crate::Program;
use serde::{Deserialize, Deserializer, Serializer};
use std::{collections::BTreeMap, sync::Arc};

pub(crate) fn serialize<S: Serializer>(
    programs: &BTreeMap<String, Arc<Program>>,
    to: S,
) -> Result<S::Ok, S::Error> {
    to.collect_map(programs.iter().map(|(name, program)| (name, &**program)))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<BTreeMap<String, Arc<Program>>, D::Error> {
    let programs = BTreeMap::<String, Program>::deserialize(from)?;
    Ok(programs.into_iter().map(|(name, program)| (name, Arc::new(program))).collect())
}
