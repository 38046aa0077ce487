//! The data of this crate, compiled in.

use crate::screen::Data;

/// What `Screen::builtin` loads.
pub const BUILTIN: Data<'static> = Data {
    lexicon: &[
        include_bytes!("../data/lexicon/acts.txt"),
        include_bytes!("../data/lexicon/contexts.txt"),
        include_bytes!("../data/lexicon/goods.txt"),
        include_bytes!("../data/lexicon/adult.txt"),
        include_bytes!("../data/lexicon/hate.txt"),
        include_bytes!("../data/lexicon/money.txt"),
        include_bytes!("../data/lexicon/scams.txt"),
    ],
    brands: include_bytes!("../data/brands.txt"),
    domains: include_bytes!("../data/domains.txt"),
    rules: include_bytes!("../data/rules.txt"),
    weights: Some(include_bytes!("../data/weights.bin")),
};
