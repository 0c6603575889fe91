//! `/openapi.json`: the API as OpenAPI 3.1, made from the table of routes and the schemas beside it.

use crate::App;
use crate::routes::{Access, Route, table};
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use serde_json::{Map, Value, json};

/// The schemas of request bodies.
const SCHEMAS: &str = include_str!("schemas.json");

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
    for route in table() {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.to_ascii_lowercase()] = operation(&route);
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
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic", "description": "The API key as user name, no password."},
                "bearer": {"type": "http", "scheme": "bearer", "description": "The API key."},
                "signature": {"type": "apiKey", "in": "header", "name": "X-Signature", "description": "HMAC over the body; which header, the mapping says."},
                "link": {"type": "apiKey", "in": "query", "name": "token", "description": "The signed token in the path."},
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

fn operation(route: &Route) -> Value {
    let security = match route.access {
        Access::Open => json!([]),
        Access::Key(_) | Access::WriteKey(_) => json!([{"basic": []}, {"bearer": []}]),
        Access::Signature => json!([{"signature": []}]),
        Access::Link => json!([{"link": []}]),
    };
    let mut operation = json!({
        "summary": route.summary,
        "security": security,
        "responses": {
            "2XX": {"description": "Done. Whatever was to be stored is durable."},
            "default": {"$ref": "#/components/responses/Problem"},
        },
    });
    match route.access {
        Access::Key(scope) => operation["x-scope"] = json!(scope.as_str()),
        Access::WriteKey(scope) => {
            operation["x-scope"] = json!(scope.as_str());
            operation["x-browser-keys"] = json!(scope == crate::auth::Scope::Track);
        }
        _ => {}
    }
    let parameters: Vec<Value> = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    if !parameters.is_empty() {
        operation["parameters"] = json!(parameters);
    }
    if !route.body.is_empty() {
        let schema = json!({"schema": {"$ref": format!("#/components/schemas/{}", route.body)}});
        operation["requestBody"] = json!({"required": true, "content": {"application/json": schema}});
    }
    operation
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
            listed += 1;
        }
        let operations: usize = paths.values().map(|path| path.as_object().unwrap().len()).sum();
        assert_eq!(operations, listed, "one operation for each route, and none twice");
    }

    #[test]
    fn only_what_is_public_is_open() {
        let open: Vec<&str> =
            table().iter().filter(|route| route.access == Access::Open).map(|route| route.path).collect();
        assert_eq!(open, ["/openapi.json", "/livez", "/readyz", "/problems/{code}", "/public.css"]);
    }
}
