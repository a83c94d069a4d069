//! `reserved(3, 5..=7, "note")`: numbers and names of what is gone, which nothing may have again.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{
    Error, Expr, ExprRange, ExprUnary, Lit, RangeLimits, Result, Token, UnOp, parenthesized,
};

const WANTED: &str = "what is reserved are numbers, ranges and names: reserved(3, 5..=7, \"note\")";

/// What stands in the parentheses.
#[derive(Default)]
pub(super) struct Reserved {
    numbers: Vec<(i32, i32)>,
    names: Vec<String>,
}

impl Reserved {
    /// Reads the parentheses and what they hold.
    pub(super) fn read(&mut self, key: &Ident, input: ParseStream<'_>) -> Result<()> {
        if !input.peek(syn::token::Paren) {
            return Err(Error::new(key.span(), WANTED));
        }
        let inside;
        parenthesized!(inside in input);
        for item in Punctuated::<Expr, Token![,]>::parse_terminated(&inside)? {
            self.add(&item)?;
        }
        Ok(())
    }

    pub(super) fn has_number(&self, number: i64) -> bool {
        let holds =
            |(first, last): &(i32, i32)| (i64::from(*first)..=i64::from(*last)).contains(&number);
        self.numbers.iter().any(holds)
    }

    pub(super) fn has_name(&self, name: &str) -> bool {
        self.names.iter().any(|reserved| reserved == name)
    }

    /// The number at a place, from 0, among those that are not reserved.
    pub(super) fn number_at(&self, place: usize) -> Option<u32> {
        (1..=u32::MAX).filter(|number| !self.has_number(i64::from(*number))).nth(place)
    }

    /// The first number from `number` on that is not reserved, of an enum.
    pub(super) fn next_value(&self, number: i32) -> Option<i32> {
        (number..=i32::MAX).find(|number| !self.has_number(i64::from(*number)))
    }

    /// As it stands in the schema.
    pub(super) fn schema(&self) -> TokenStream {
        let numbers = self.numbers.iter().map(|(first, last)| quote!((#first, #last)));
        let names = &self.names;
        quote!(k::Reserved { numbers: &[#(#numbers),*], names: &[#(#names),*] })
    }

    fn add(&mut self, item: &Expr) -> Result<()> {
        if let Expr::Lit(literal) = item
            && let Lit::Str(name) = &literal.lit
        {
            self.names.push(name.value());
            return Ok(());
        }
        let range = match item {
            Expr::Range(ExprRange {
                start: Some(first),
                end: Some(last),
                limits: RangeLimits::Closed(_),
                ..
            }) => number(first).zip(number(last)),
            single => number(single).map(|number| (number, number)),
        };
        let range = range.filter(|(first, last)| first <= last);
        self.numbers.push(range.ok_or_else(|| Error::new_spanned(item, WANTED))?);
        Ok(())
    }
}

fn number(expression: &Expr) -> Option<i32> {
    match expression {
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => number(expr)?.checked_neg(),
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(digits) => digits.base10_parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;
    use syn::parse::Parser;

    use super::*;

    fn read(text: &str) -> Result<Reserved> {
        let mut reserved = Reserved::default();
        let key = Ident::new("reserved", Span::call_site());
        (|input: ParseStream<'_>| reserved.read(&key, input)).parse_str(text)?;
        Ok(reserved)
    }

    #[test]
    fn what_is_left_keeps_its_numbers() {
        let reserved = read("(2, 4..=5, \"note\")").unwrap();
        let numbers: Vec<_> = (0..4).map(|place| reserved.number_at(place)).collect();
        assert_eq!(numbers, [Some(1), Some(3), Some(6), Some(7)]);
        assert!(reserved.has_name("note") && !reserved.has_name("text"));
    }

    #[test]
    fn what_reserves_nothing_is_refused() {
        for bad in ["", "(note)", "(1..2)", "(3..=2)", "(1..)", "(1.5)", "(4294967296)"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
