//! What a layer is called by the name of its type.

/// The name of a type without the modules around it: `RateLimit` for `shop::limits::RateLimit`. A
/// layer that is a closure is called by the function it stands in: `layer_fn in main`.
pub(super) fn short(type_name: &str) -> String {
    if let Some((path, _)) = type_name.split_once("::{{closure}}") {
        let path = path.rsplit(['<', '(', ' ']).next().unwrap_or(path);
        return format!("layer_fn in {path}");
    }
    let mut short = String::new();
    let mut word = String::new();
    for character in type_name.chars() {
        match character {
            ':' => word.clear(),
            other if other.is_alphanumeric() || other == '_' => word.push(other),
            other => {
                short.push_str(&word);
                word.clear();
                short.push(other);
            }
        }
    }
    short + &word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_has_the_name_of_its_type() {
        for (name, expected) in [
            ("shop::limits::RateLimit", "RateLimit"),
            ("shop::Tagged<alloc::string::String, u8>", "Tagged<String, u8>"),
            ("kitfox_core::endpoint::LayerFn<shop::main::{{closure}}>", "layer_fn in shop::main"),
        ] {
            assert_eq!(short(name), expected);
        }
    }
}
