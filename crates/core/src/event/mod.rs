//! The nouns that all layers share.

mod interest;
mod readiness;
mod timeout;
mod token;

pub use interest::Interest;
pub use readiness::Event;
pub use timeout::Timeout;
pub use token::Token;
