//! Names to addresses.

use std::io;
use std::net::IpAddr;

use async_trait::async_trait;

/// What turns a name into addresses.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// Every address of a name, which comes without a dot at its end. The caller bounds the wait; an implementation
    /// that cannot be interrupted goes on in its own time.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver, asked for exactly the name.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        // The dot makes the name absolute: no search domain of /etc/resolv.conf turns it into one of our network. Port
        // 0 is never used.
        let answers = tokio::net::lookup_host((format!("{name}."), 0)).await?;
        Ok(answers.map(|address| address.ip()).collect())
    }
}
