//! What every backend's tables hold, in a form that belongs to none: which tables there are, and the values of a row. A
//! copy reads rows of one backend and writes those of another.

pub mod tables;
pub mod value;
