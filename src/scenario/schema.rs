//! The JSON Schema of a scenario's TOML.

/// The published JSON Schema (draft 2020-12) of a scenario, for editors and other programs.
///
/// It states the form; conditions between values that a schema cannot say are checked by [`super::read`] alone.
pub const fn schema() -> &'static str {
    include_str!("schema.json")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::super::parse::{self as read, emulator as read_emulator, load as read_load, request};
    use super::super::threshold::Metric;

    fn document() -> Value {
        serde_json::from_str(super::schema()).unwrap()
    }

    /// The schema is one, by the meta-schema of its draft.
    #[test]
    fn is_a_schema() {
        jsonschema::draft202012::meta::validate(&document()).unwrap();
        jsonschema::draft202012::new(&document()).unwrap();
    }

    /// Every key of the reader stands in the schema, and the other way round, table by table.
    #[test]
    fn knows_the_keys_of_the_reader() {
        let document = document();
        let defs = &document["$defs"];
        let metrics: Vec<&str> = Metric::ALL.iter().map(|(name, _)| *name).collect();
        let (load, stage) = (read_load::LOAD, read_load::STAGE);
        let latency = &defs["latency"]["oneOf"];
        let tables: [(&[&str], Vec<&Value>); 27] = [
            (read::SCENARIO, vec![&document]),
            (load, vec![&defs["open"], &defs["closed"]]),
            (stage, vec![&defs["constant"], &defs["ramp"], &defs["burst"], &defs["workers"]]),
            (read::MIX, vec![&defs["mix"]]),
            (request::REQUEST, vec![&defs["request"]]),
            (request::SETTINGS, vec![&defs["settings"]]),
            (request::OUTPUT_CONFIG, vec![&defs["output_config"]]),
            (request::CHALLENGE, vec![&defs["challenge"]]),
            (request::VERSIONS, vec![&defs["versions"]]),
            (read::IDEMPOTENCY, vec![&defs["idempotency"]]),
            (read::BUDGET, vec![&defs["budget"]]),
            (&metrics, vec![&document["properties"]["thresholds"]]),
            (read_emulator::EMULATOR, vec![&defs["emulator"]]),
            (read_emulator::QUOTA, defs["quota"]["oneOf"].as_array().unwrap().iter().collect()),
            (read_emulator::LATENCY, vec![&latency[1], &latency[2], &latency[3]]),
            (read_emulator::STALL, vec![&defs["stall"]]),
            (read_emulator::FAULTS, vec![&defs["faults"]]),
            (read_emulator::RAW, vec![&defs["raw"]]),
            (read_emulator::SCHEDULED, vec![&defs["scheduled"]]),
            (read_emulator::GROWTH, vec![&defs["growth"]]),
            (read_emulator::CHARGE, vec![&defs["charge"]]),
            (read_emulator::SPIKES, vec![&defs["spikes"]]),
            (read_emulator::SESSIONS, vec![&defs["sessions"]]),
            (read_emulator::CHECKS, vec![&defs["checks"]]),
            (read_emulator::TOKENS, vec![&defs["tokens"]]),
            (read_emulator::VALIDATION, vec![&defs["validation"]]),
            (read_emulator::CREDENTIAL, vec![&defs["credential"]]),
        ];
        for (keys, places) in &tables {
            let mut in_schema: Vec<&str> =
                places.iter().flat_map(|p| p["properties"].as_object().unwrap().keys().map(String::as_str)).collect();
            in_schema.sort_unstable();
            in_schema.dedup();
            let mut known = keys.to_vec();
            known.sort_unstable();
            assert_eq!(in_schema, known);
            assert!(places.iter().all(|p| p["additionalProperties"] == false));
        }
        // No table of the schema was left out above.
        let compared: usize = tables.iter().map(|(_, places)| places.len()).sum();
        let mut objects = BTreeMap::new();
        count_objects(&document, "", &mut objects);
        assert_eq!(objects.len(), compared, "{objects:?}");
    }

    fn count_objects(value: &Value, path: &str, objects: &mut BTreeMap<String, usize>) {
        match value {
            Value::Object(map) => {
                if map.get("type").is_some_and(|t| t == "object") {
                    objects.insert(path.to_owned(), map.len());
                }
                map.iter().for_each(|(key, inner)| count_objects(inner, &format!("{path}/{key}"), objects));
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(i, inner)| count_objects(inner, &format!("{path}/{i}"), objects));
            }
            _ => {}
        }
    }

    /// Editors show what every key means.
    #[test]
    fn every_key_is_described() {
        let document = document();
        let mut silent = Vec::new();
        undescribed(&document, "", &document, &mut silent);
        assert_eq!(silent, Vec::<String>::new());
    }

    fn undescribed(value: &Value, path: &str, root: &Value, silent: &mut Vec<String>) {
        let Value::Object(map) = value else { return };
        if let Some(Value::Object(properties)) = map.get("properties") {
            for (key, property) in properties {
                let target = property["$ref"].as_str().and_then(|r| root.pointer(r.trim_start_matches('#')));
                let said = property["description"].is_string() || target.is_some_and(|t| t["description"].is_string());
                // A condition under `not` repeats a key without describing it.
                if !said && !path.contains("/not") {
                    silent.push(format!("{path}/{key}"));
                }
            }
        }
        for (key, inner) in map {
            match inner {
                Value::Array(items) => {
                    items.iter().enumerate().for_each(|(i, v)| undescribed(v, &format!("{path}/{key}/{i}"), root, silent));
                }
                _ => undescribed(inner, &format!("{path}/{key}"), root, silent),
            }
        }
    }
}
