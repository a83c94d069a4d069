//! Every misuse of a macro is answered at the user's token, with how to mend it.
//!
//! `TRYBUILD=overwrite cargo test -p kitfox fail` writes the answers down anew; read them.

#[test]
fn misuse_is_answered_at_the_users_token() {
    trybuild::TestCases::new().compile_fail("tests/fail/*/*.rs");
}
