//! An option of a macro, such as `package = "strings.v1"`.

use syn::LitStr;
use syn::meta::ParseNestedMeta;

/// Reads the text of an option that may be given once. Says `already` where it was, and `wanted`
/// where it is no text.
pub(crate) fn once(
    slot: &mut Option<LitStr>,
    meta: &ParseNestedMeta<'_>,
    already: &str,
    wanted: &str,
) -> syn::Result<()> {
    if slot.is_some() {
        return Err(meta.error(already));
    }
    let value = meta.value().map_err(|_| meta.error(wanted))?;
    *slot = Some(value.parse().map_err(|error| syn::Error::new(error.span(), wanted))?);
    Ok(())
}
