//! How much of a request Claude can be held to: its schemas are compiled together, and what is too much is refused as a
//! whole. Counted as far as the limits are known
//! (<https://platform.claude.com/docs/en/build-with-claude/structured-outputs>).

use serde_json::Value;

use crate::catalog::Family;

use super::keywords::visit;

const STRICT_TOOLS: usize = 20;
const OPTIONAL_PARAMETERS: usize = 24;
const UNION_PARAMETERS: usize = 16;

/// What is left of the limits.
#[derive(Debug, Clone, Copy)]
pub(in crate::bedrock::plan) struct SchemaRoom {
    tools: usize,
    optional: usize,
    unions: usize,
}

impl SchemaRoom {
    /// All of it. Other families have no such limits, as far as is known.
    pub(in crate::bedrock::plan) fn of(family: Family) -> Self {
        let limit = |limit| match family {
            Family::Claude => limit,
            _ => usize::MAX,
        };
        Self {
            tools: limit(STRICT_TOOLS),
            optional: limit(OPTIONAL_PARAMETERS),
            unions: limit(UNION_PARAMETERS),
        }
    }

    /// Takes what a strict tool of this schema needs. False: there is not enough left, and nothing is taken.
    pub(in crate::bedrock::plan) fn take_tool(&mut self, schema: &Value) -> bool {
        if self.tools == 0 || !self.take(schema) {
            return false;
        }
        self.tools -= 1;
        true
    }

    /// Takes what an answer's schema needs. False: there is not enough left, and nothing is taken.
    pub(in crate::bedrock::plan) fn take(&mut self, schema: &Value) -> bool {
        let (optional, unions) = count(schema);
        if optional > self.optional || unions > self.unions {
            return false;
        }
        self.optional -= optional;
        self.unions -= unions;
        true
    }
}

/// The parameters that may be left out, and those of more than one type, at any depth.
fn count(schema: &Value) -> (usize, usize) {
    let (mut optional, mut unions) = (0, 0);
    visit(schema, &mut |fields| {
        let properties = fields.get("properties").and_then(Value::as_object);
        let required = fields.get("required").and_then(Value::as_array);
        let required = required.into_iter().flatten().filter_map(Value::as_str);
        let required =
            required.filter(|name| properties.is_some_and(|all| all.contains_key(*name)));
        optional += properties.map_or(0, |all| all.len().saturating_sub(required.count()));
        let kinds = fields.get("type").and_then(Value::as_array);
        let is_union = kinds.is_some_and(|kinds| kinds.len() > 1) || fields.contains_key("anyOf");
        unions += usize::from(is_union);
    });
    (optional, unions)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_are_counted_at_every_depth() {
        let schema = json!({
            "type": "object",
            "properties": {
                "a": {"type": ["string", "null"]},
                "b": {"type": "array", "items": {"type": "object", "properties": {"c": {}, "d": {}}, "required": ["d"]}},
                "e": {"$ref": "#/$defs/e"},
            },
            "required": ["a"],
            "$defs": {"e": {"anyOf": [{"type": "null"}, {"properties": {"f": {"type": ["string"]}}}]}},
        });
        assert_eq!(count(&schema), (4, 2));
    }

    #[test]
    fn what_does_not_fit_takes_nothing() {
        let of = |optional: usize| {
            let properties = (0..optional).map(|n| (n.to_string(), json!({})));
            json!({"properties": properties.collect::<serde_json::Map<_, _>>()})
        };
        let mut room = SchemaRoom::of(Family::Claude);
        assert!(room.take(&of(20)));
        assert!(!room.take_tool(&of(5)));
        assert!(room.take_tool(&of(4)));
        assert!((0..19).all(|_| room.take_tool(&of(0))));
        assert!(!room.take_tool(&of(0)));
        assert!(SchemaRoom::of(Family::Other).take(&of(1_000)));
    }
}
