//! The erasure of a person, as an operator asks for it.

use model::error::Refusal;
use model::{Erasure, ErasureCounts, ErasureId, Msisdn};
use store::StoreError;

use super::Pipeline;
use crate::refusal::refused_by_store;

impl Pipeline {
    /// Begins to erase a person: everything about this number is removed or blanked, by a task of this process or,
    /// where it ends before, of the next one. `None` for a number that is provisioned as a sender. Where an erasure of
    /// the number is under way, that one is returned.
    ///
    /// # Errors
    /// If the store could not take it.
    pub async fn erase(
        &self,
        number: Msisdn,
        operator: String,
        reference: Option<String>,
    ) -> Result<Option<Erasure>, Refusal> {
        unless_provisioned(self.erasing.begin(number, operator, reference).await)
    }

    /// What an erasure of this number would remove or blank. `None` as for [`Self::erase`].
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn erasable(&self, number: Msisdn) -> Result<Option<ErasureCounts>, Refusal> {
        unless_provisioned(self.erasing.look(number).await)
    }

    /// The erasures that are on record of this number.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn erasures(
        &self,
        of: Option<Msisdn>,
        after: Option<ErasureId>,
        limit: usize,
    ) -> Result<Vec<Erasure>, Refusal> {
        let Some(number) = of else {
            return self.store().erasures(None, after, limit).await.map_err(refused_by_store);
        };
        let mut found = Vec::new();
        for digest in self.tenants().digests_of_number(number) {
            found.extend(self.store().erasures(Some(digest), after, limit).await.map_err(refused_by_store)?);
        }
        found.sort_unstable_by_key(|erasure| std::cmp::Reverse(erasure.id));
        found.truncate(limit);
        Ok(found)
    }
}

fn unless_provisioned<T>(done: Result<T, StoreError>) -> Result<Option<T>, Refusal> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(StoreError::AlreadyExists) => Ok(None),
        Err(error) => Err(refused_by_store(error)),
    }
}
