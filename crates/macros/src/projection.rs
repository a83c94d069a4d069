//! A type that a trait knows of the user's.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

/// `<ty as of>::name`, which for the compiler spans all tokens of `ty` and not just the first: what
/// it says of the type in several places is the same then, and it says it once.
pub(crate) fn of(ty: &Type, of: &TokenStream, name: &str) -> TokenStream {
    let first = ty.span();
    let last = ty.to_token_stream().into_iter().last().map_or(first, |token| token.span());
    let name = Ident::new(name, last);
    let begin = quote_spanned!(first=> <);
    let end = quote_spanned!(last=> as #of>::#name);
    quote_spanned!(first=> #begin #ty #end)
}
