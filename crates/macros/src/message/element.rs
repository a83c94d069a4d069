//! What struct, enum and oneof have in common: `Element` and `Message`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Ident};

use super::item;
use super::options::MessageOptions;
use crate::docs::is_deprecated;

/// The JSON half of `Element`, where a type of Kitfox writes it by hand.
pub(super) fn json_by_hand() -> TokenStream {
    quote! {
        const TAKES_NULL: bool = Self::JSON_TAKES_NULL;
        fn write_json(&self, out: &mut ::std::vec::Vec<u8>) -> ::core::result::Result<(), k::Fault> {
            self.write_json_by_hand(out)
        }
        fn read_json(
            json: &mut k::JsonReader<'_>,
        ) -> ::core::result::Result<Self, k::Fault> {
            Self::read_json_by_hand(json)
        }
        fn parse(text: &str) -> ::core::result::Result<Self, k::Fault> {
            Self::parse_by_hand(text)
        }
    }
}

/// `Message`, of which all but the body is the same.
pub(super) fn message(
    ident: &Ident,
    options: &MessageOptions,
    attributes: &[Attribute],
    members: &TokenStream,
    body: &TokenStream,
) -> TokenStream {
    let (name, package) = (options.full_name(ident), options.package_name());
    let (docs, deprecated) = (item::docs(attributes), is_deprecated(attributes));
    let reserved = options.reserved.schema();
    let by_hand = options.json_by_hand.then(|| {
        quote!(
            const JSON_IS_BY_HAND: bool = true;
        )
    });
    quote! {
        const MEMBERS: &[k::Member] = &[#members];
        static SCHEMA: k::MessageSchema = k::MessageSchema {
            name: #name,
            package: #package,
            docs: #docs,
            deprecated: #deprecated,
            reserved: #reserved,
            members: MEMBERS,
        };

        #[diagnostic::do_not_recommend]
        impl ::kitfox::message::Message for #ident {
            const NAME: &'static str = #name;
            const MEMBERS: ::core::option::Option<&'static [k::Member]> =
                ::core::option::Option::Some(MEMBERS);
            #by_hand
            fn schema() -> &'static k::MessageSchema {
                &SCHEMA
            }
            #body
        }
    }
}
