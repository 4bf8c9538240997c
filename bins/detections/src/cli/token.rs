//! `detections token new`: the entry that admits a fresh token on standard output, so that it can be appended
//! to the list, and the token itself on standard error, once.

use super::{
    args::TokenArgs,
    exit::{Exit, Failure},
    output::{Output, Reader},
};
use crate::access::{FreshToken, Scope};

/// Makes one token.
pub(super) fn run(args: &TokenArgs) -> Result<Exit, Failure> {
    let scopes: Vec<Scope> = args.scope.iter().filter_map(|word| Scope::from_word(word)).collect();
    let fresh = FreshToken::make(&args.name, &scopes, args.expires.as_deref());
    let fresh = fresh.map_err(Failure::usage)?;
    let output = Output::plain();
    match output.print(&fresh.entry())? {
        Reader::Listening => output.remark(format_args!("token, told only now: {}", fresh.token())),
        // Without its entry the token is of no use.
        Reader::Gone => {}
    }
    Ok(Exit::Done)
}
