//! The data of a screen, and those of this crate, compiled in.

/// The data of a screen, each part as the octets of its file.
#[derive(Debug, Clone, Copy)]
pub struct Data<'a> {
    /// Word lists; several files may follow each other.
    pub lexicon: &'a [&'a [u8]],
    /// Brands and their own domains.
    pub brands: &'a [u8],
    /// Shorteners, authorities, telling parts of domain names.
    pub domains: &'a [u8],
    /// Rules.
    pub rules: &'a [u8],
    /// Weights of the classifier; `None` leaves the rules alone.
    pub weights: Option<&'a [u8]>,
    /// The network. `Screen::load` says what is wrong with it; `training::network` describes and makes small ones.
    pub network: &'a [u8],
}

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
        include_bytes!("../data/lexicon/spanish.txt"),
        include_bytes!("../data/lexicon/french.txt"),
    ],
    brands: include_bytes!("../data/brands.txt"),
    domains: include_bytes!("../data/domains.txt"),
    rules: include_bytes!("../data/rules.txt"),
    weights: Some(include_bytes!("../data/weights.bin")),
    network: include_bytes!("../data/network.bin"),
};
