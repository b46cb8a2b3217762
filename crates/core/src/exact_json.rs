//! JSON that is kept as it was said, or refused: a log that proves what was said must not change it on the way in.
//!
//! An object that names a member twice loses one of them in every reader; a whole number beyond 64 bits would become another
//! one. (Fractions are kept to the precision of a double, as every reader of JSON does.)

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// Beyond this not every whole number is a double, and one that is may have been another.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// A value that is what was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Exact(pub Value);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

/// For a member that may be absent: `deserialize_with`.
///
/// # Errors
/// A member that is named twice, or a number that cannot be kept.
pub fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Ok(Option::<Exact>::deserialize(deserializer)?.map(|Exact(value)| value))
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        if value.abs() > EXACT_MAX {
            return Err(E::custom(format!("the number {value} is too large to be kept exactly; write it as a string")));
        }
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is infinite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Exact(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let Exact(value) = members.next_value()?;
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("the member {name:?} is there twice; only one could be kept")));
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Value, String> {
        serde_json::from_str::<Exact>(text).map(|Exact(value)| value).map_err(|error| error.to_string())
    }

    #[test]
    fn what_would_be_altered_is_refused() {
        for (text, why) in [
            (r#"{"a":1,"a":2}"#, "\"a\" is there twice"),
            (r#"[{"x":{"b":1,"c":1,"b":1}}]"#, "\"b\" is there twice"),
            (r#"{"big":12345678901234567890123}"#, "too large to be kept exactly"),
            ("-1e20", "too large to be kept exactly"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn what_can_be_kept_is_read_as_by_everybody() {
        for text in
            ["null", "[true,-3,18446744073709551615,-9223372036854775808,1.5,0.1,\"x\"]", r#"{"a":{"a":[]}}"#, "1e3"]
        {
            assert_eq!(read(text).unwrap(), serde_json::from_str::<Value>(text).unwrap(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whole_numbers_of_64_bits_are_never_altered(number: i64, unsigned: u64) {
            prop_assert_eq!(read(&number.to_string()).unwrap().to_string(), number.to_string());
            prop_assert_eq!(read(&unsigned.to_string()).unwrap().to_string(), unsigned.to_string());
        }
    }
}
