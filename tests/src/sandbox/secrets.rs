//! What nobody but its owner may see.

use super::World;

impl World {
    /// Every secret key and session token that the world knows now, long-term and issued, for a test that looks for
    /// their bytes where they must not be.
    pub fn secrets(&self) -> Vec<String> {
        let state = self.state();
        let identities = state.accounts.keys.values().map(|key| &key.identity);
        identities.flat_map(|identity| [Some(identity.secret.clone()), identity.token.clone()]).flatten().collect()
    }
}
