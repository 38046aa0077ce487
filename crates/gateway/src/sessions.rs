//! This process among the nodes of its store: the name under which it joins.

/// The name of this node: that of the machine.
pub(crate) fn node_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The version of this program, as other nodes see it.
pub(crate) const BUILD: &str = env!("CARGO_PKG_VERSION");
