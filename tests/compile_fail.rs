//! What the compiler says to a name that is none and to a label that is missing.

#[test]
fn a_wrong_name_and_a_missing_label_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
