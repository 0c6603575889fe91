//! `/openapi.json`: the API as OpenAPI 3.1, made from the table of routes, and from what each answers and the schemas beside it.

use crate::App;
use crate::routes::{Access, Route, table};
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The schemas of bodies, asked and answered.
const SCHEMAS: &str = include_str!("schemas.json");
/// What each route takes beside its path, and what it answers. By `METHOD /path`: `parameters`; `takes`, the types of its
/// body where that is not JSON; `answers`, by status the name of a schema, a media type, or nothing; `problems`, statuses
/// beside those that its access and its body bring along.
const OPERATIONS: &str = include_str!("operations.json");

pub(crate) fn routes() -> Vec<Route> {
    vec![Route {
        method: "GET",
        path: "/openapi.json",
        access: Access::Open,
        summary: "This document.",
        body: "",
        handler: get(serve),
    }]
}

async fn serve(State(app): State<App>) -> Json<Value> {
    Json(document(&app.base_url))
}

/// The document of a server at `base_url`.
pub(crate) fn document(base_url: &str) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    let told: Value = serde_json::from_str(OPERATIONS).unwrap_or_default();
    for route in table() {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        let told = &told[format!("{} {}", route.method, route.path)];
        path[route.method.to_ascii_lowercase()] = operation(&route, told);
    }
    let schemas: Value = serde_json::from_str(SCHEMAS).unwrap_or_default();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tabi",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Customers and events in, messages out. Compatible with the Segment tracking API.",
        },
        "servers": [{"url": base_url}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": {
                "IdempotencyKey": idempotency_key(true),
                "IdempotencyKeyOptional": idempotency_key(false),
            },
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic", "description": "The API key as user name, no password."},
                "bearer": {"type": "http", "scheme": "bearer", "description": "The API key."},
                "signature": {"type": "apiKey", "in": "header", "name": "X-Signature", "description": "HMAC over the body; which header, the mapping says."},
            },
            "responses": {
                "Problem": {
                    "description": "What is wrong, and what to do (RFC 9457).",
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
                },
            },
        },
    })
}

/// The header by which a request is done once.
fn idempotency_key(required: bool) -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "required": required,
        "description": "A text in double quotes that is new for each request you mean, like a UUID. The same again, with the same body, gets the answer of the first, for seven days.",
        "schema": {"type": "string", "pattern": "^\"(?:[ !#-\\[\\]-~]|\\\\[\"\\\\]){1,255}\"$"},
        "example": "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"",
    })
}

fn operation(route: &Route, told: &Value) -> Value {
    let security = match route.access {
        // The token in the path is what opens a link: nothing else is asked for.
        Access::Open | Access::Link => json!([]),
        Access::Key(_) | Access::WriteKey(_) => json!([{"basic": []}, {"bearer": []}]),
        Access::Signature => json!([{"signature": []}]),
    };
    let mut operation =
        json!({"summary": route.summary, "security": security, "responses": responses(route, told)});
    match route.access {
        Access::Key(scope) => operation["x-scope"] = json!(scope.as_str()),
        Access::WriteKey(scope) => {
            operation["x-scope"] = json!(scope.as_str());
            operation["x-browser-keys"] = json!(scope == crate::auth::Scope::Track);
        }
        _ => {}
    }
    let in_path =
        route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).map(|name| {
            let told = if name == "token" { "The signed token of a message's link." } else { "" };
            let mut named =
                json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}});
            if !told.is_empty() {
                named["description"] = json!(told);
            }
            named
        });
    let parameters: Vec<Value> =
        in_path.chain(told["parameters"].as_array().into_iter().flatten().cloned()).collect();
    if !parameters.is_empty() {
        operation["parameters"] = json!(parameters);
    }
    let takes: Vec<&str> = told["takes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let schema = if route.body.is_empty() {
        json!({"schema": {"type": "object"}})
    } else {
        json!({"schema": {"$ref": format!("#/components/schemas/{}", route.body)}})
    };
    let content: Map<String, Value> = match (route.body, &takes[..]) {
        ("", []) => return operation,
        (_, []) => [("application/json".to_owned(), schema)].into_iter().collect(),
        (_, types) => types.iter().map(|kind| ((*kind).to_owned(), schema.clone())).collect(),
    };
    operation["requestBody"] = json!({"required": !route.body.is_empty(), "content": content});
    operation
}

/// What comes back, by status. Pages for customers are HTML, whatever happens; everybody else gets a problem.
fn responses(route: &Route, told: &Value) -> Value {
    let mut responses: Map<String, Value> = Map::new();
    let mut problems: BTreeSet<u64> =
        told["problems"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
    let keyed = matches!(route.access, Access::Key(_) | Access::WriteKey(_));
    if keyed {
        problems.extend([401, 403, 429]);
    }
    // An address or a query that cannot be read, a body that is none.
    if route.access != Access::Open || route.path.contains('{') {
        problems.insert(400);
    }
    if !route.body.is_empty() {
        problems.extend([413, 415]);
    }
    for status in problems {
        responses.insert(status.to_string(), json!({"$ref": "#/components/responses/Problem"}));
    }
    responses.insert("5XX".to_owned(), json!({"$ref": "#/components/responses/Problem"}));
    for (status, what) in told["answers"].as_object().into_iter().flatten() {
        let what = what.as_str().unwrap_or_default();
        let description = match status.as_str() {
            "202" => "Taken on, durably.",
            "204" => "Done.",
            "302" => "Leads to where the link leads.",
            "404" => "The link does not open.",
            "410" => "It is no longer kept.",
            "422" => "An answer is missing: the page asks again.",
            "503" => "Nothing was changed; to be tried again.",
            _ => "Done. Whatever was to be stored is durable.",
        };
        let mut response = json!({"description": description});
        if what.contains('/') {
            // A schema is of what a parser makes of it: YAML has one of its own.
            let schema = if what.ends_with("yaml") { json!({}) } else { json!({"type": "string"}) };
            response["content"] = json!({what: {"schema": schema}});
        } else if !what.is_empty() {
            let schema = json!({"$ref": format!("#/components/schemas/{what}")});
            response["content"] = json!({"application/json": {"schema": schema}});
        }
        if status == "302" {
            response["headers"] = json!({"Location": {"schema": {"type": "string", "format": "uri"}}});
        }
        responses.insert(status.clone(), response);
    }
    Value::Object(responses)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_route_is_in_the_document_with_who_may_use_it_and_the_document_has_no_other() {
        let document = document("https://tabi.example");
        let paths = document["paths"].as_object().unwrap();
        let mut listed = 0;
        for route in table() {
            let operation = &paths[route.path][route.method.to_ascii_lowercase()];
            assert!(operation["security"].is_array(), "{route:?}");
            assert!(!operation["summary"].as_str().unwrap().is_empty(), "{route:?}");
            if !route.body.is_empty() {
                assert!(document["components"]["schemas"][route.body].is_object(), "{route:?}: no schema");
            }
            let answers = operation["responses"].as_object().unwrap();
            assert!(answers.keys().any(|status| status < &"400".to_owned()), "{route:?}: no answer");
            for content in
                answers.values().filter_map(|answer| answer["content"]["application/json"].as_object())
            {
                let name = content["schema"]["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
                assert!(document["components"]["schemas"][name].is_object(), "{route:?}: no schema {name}");
            }
            listed += 1;
        }
        let operations: usize = paths.values().map(|path| path.as_object().unwrap().len()).sum();
        assert_eq!(operations, listed, "one operation for each route, and none twice");
    }

    #[test]
    fn what_is_told_of_routes_is_told_of_routes_that_there_are() {
        let told: Map<String, Value> = serde_json::from_str(OPERATIONS).unwrap();
        let known: Vec<String> =
            table().iter().map(|route| format!("{} {}", route.method, route.path)).collect();
        for name in told.keys() {
            assert!(known.contains(name), "{name}");
        }
    }

    #[test]
    fn a_direct_message_wants_its_key_and_a_journey_takes_one() {
        let document = document("https://tabi.example");
        let key = |path: &str| {
            let named = document["paths"][path]["post"]["parameters"].as_array().unwrap().last().unwrap();
            let name = named["$ref"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            document["components"]["parameters"][name].clone()
        };
        assert_eq!(key("/v1/messages")["required"], json!(true));
        assert_eq!(key("/v1/journeys/{journey}/start")["required"], json!(false));
    }

    #[test]
    fn only_what_is_public_is_open() {
        let open: Vec<&str> =
            table().iter().filter(|route| route.access == Access::Open).map(|route| route.path).collect();
        assert_eq!(open, ["/openapi.json", "/livez", "/readyz", "/problems/{code}", "/public.css"]);
    }
}
