use clap::Args;

use crate::{context::Context, stop::Stop};

/// Print the JSON Schema of a change request
#[derive(Debug, Args)]
pub(crate) struct Schema {}

/// Held against the parser by the tests below.
const SCHEMA: &str = include_str!("change-request.schema.json");

impl Schema {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        context.out.raw(SCHEMA.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use convoke_worker::request::ChangeRequest;
    use serde_json::{Value, json};

    use super::*;

    fn schema() -> Value {
        serde_json::from_str(SCHEMA).unwrap()
    }

    fn example() -> Value {
        schema()["examples"][0].clone()
    }

    fn is_read(request: &Value) -> bool {
        ChangeRequest::parse(request.to_string().as_bytes()).is_ok()
    }

    fn names(object: &Value) -> BTreeSet<String> {
        object.as_object().unwrap().keys().cloned().collect()
    }

    /// Each member of an object in the example, whether the schema requires it, and the example without it.
    fn without_each(place: &str, definition: &Value) -> Vec<(String, bool, Value)> {
        let required = definition["required"].as_array().unwrap();
        let object = example().pointer(place).unwrap().clone();
        let without = |name: &String| {
            let mut request = example();
            request.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(name);
            (name.clone(), required.contains(&json!(name)), request)
        };
        names(&object).iter().map(without).collect()
    }

    #[test]
    fn the_example_is_read_and_shows_every_member() {
        assert!(is_read(&example()));
        assert_eq!(names(&example()), names(&schema()["properties"]));
        let (request, _) = ChangeRequest::parse(example().to_string().as_bytes()).unwrap();
        assert_eq!(serde_json::to_value(request).unwrap(), example());
    }

    #[test]
    fn what_is_required_is_what_the_parser_misses() {
        let schema = schema();
        for (name, required, request) in without_each("", &schema) {
            assert_eq!(is_read(&request), !required, "{name}");
        }
        for (name, required, request) in without_each("/changes/1", &schema["$defs"]["change"]) {
            // Of patch and content one has to be there, as `oneOf` says.
            assert_eq!(is_read(&request), !required && name != "content", "{name}");
        }
    }

    #[test]
    fn what_the_schema_does_not_name_is_refused() {
        for place in ["", "/changes/0"] {
            let mut request = example();
            request.pointer_mut(place).unwrap()["surplus"] = json!(1);
            assert!(!is_read(&request), "{place:?}");
        }
    }

    #[test]
    fn every_member_of_a_change_is_read_and_only_the_words_that_the_schema_lists() {
        let definition = &schema()["$defs"]["change"];
        let change = |name: &str| match name {
            "path" | "operation" | "content" => json!({"path": "x", "operation": "add", "content": ""}),
            "patch" => json!({"path": "x", "operation": "add", "patch": "@@ -0,0 +1 @@\n+x\n"}),
            "patch_hash" => {
                let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
                json!({"path": "x", "operation": "add", "content": "", "patch_hash": empty})
            }
            other => panic!("{other} has no example here"),
        };
        for name in names(&definition["properties"]) {
            let mut request = example();
            request["changes"] = json!([change(&name)]);
            assert!(is_read(&request), "{name}");
        }
        let words = |of: &Value| of["enum"].as_array().unwrap().clone();
        for priority in words(&schema()["properties"]["priority"]) {
            let mut request = example();
            request["priority"] = priority;
            assert!(is_read(&request), "{request}");
        }
        for operation in words(&definition["properties"]["operation"]) {
            let mut request = example();
            let content = if operation == "delete" { Value::Null } else { json!("") };
            request["changes"] = json!([{"path": "x", "operation": operation, "content": content}]);
            assert!(is_read(&request), "{request}");
        }
        for (place, word) in [("/priority", "soon"), ("/changes/0/operation", "move")] {
            let mut request = example();
            *request.pointer_mut(place).unwrap() = json!(word);
            assert!(!is_read(&request), "{place}");
        }
    }
}
