//! OpenAPI 3.1, rendered from the table of routes.

use serde_json::{Map, Value, json};

use super::PREFIX;
use super::error::Code;
use super::route::{Answers, Route, Takes};
use super::schema::Schema;

/// Renders the description of these routes.
pub(super) fn render(routes: &[Route]) -> Value {
    let mut components = Map::new();
    let mut paths = Map::new();
    for route in routes {
        let path = paths.entry(format!("{PREFIX}{}", route.path)).or_insert_with(|| json!({}));
        path[route.method.as_str().to_lowercase()] = operation(route, &mut components);
    }
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let about: Vec<_> =
        Code::ALL.iter().map(|code| format!("- `{}` ({}): {}", code.as_str(), code.status(), code.about())).collect();
    components.insert(
        "Error".into(),
        json!({
            "type": "object",
            "required": ["success", "error"],
            "additionalProperties": false,
            "properties": {
                "success": { "const": false },
                "error": {
                    "type": "object",
                    "required": ["code", "message", "field"],
                    "additionalProperties": false,
                    "properties": {
                        "code": { "type": "string", "enum": codes, "description": about.join("\n") },
                        "message": { "type": "string", "description": "A sentence for people; it may change." },
                        "field": { "type": ["string", "null"], "description": "What it is about." },
                    },
                },
            },
        }),
    );
    components.insert(
        "PrometheusError".into(),
        json!({
            "type": "object",
            "required": ["status", "errorType", "error"],
            "properties": {
                "status": { "const": "error" },
                "errorType": { "type": "string" },
                "error": { "type": "string" },
            },
        }),
    );
    components.sort_keys();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "watchkeeper monitoring",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Events, samples and incidents of a service, and what it knows of itself. \
                Every answer but a document has `success`, and `data` or `error`.",
            "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer",
                    "description": "A token of `MONITORING_TOKENS`, or whatever the app's own source of principals takes." },
            },
            "schemas": components,
        },
    })
}

fn operation(route: &Route, components: &mut Map<String, Value>) -> Value {
    let mut parameters: Vec<_> = parts(route.path)
        .map(|name| {
            let schema = if name == "id" { Schema::Id } else { Schema::Name(128) }.render(components);
            json!({ "name": name, "in": "path", "required": true, "schema": schema })
        })
        .collect();
    parameters.extend(route.parameters.iter().copied().flatten().map(|parameter| parameter.render(components)));
    let mut operation = json!({
        "operationId": route.name,
        "summary": route.about,
        "description": format!("For the role `{}` and above.", route.role),
        "x-role": route.role.as_str(),
        "responses": responses(route, components),
    });
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    match route.takes {
        Takes::Form if route.method == http::Method::POST => {
            let of = |parameter: &Value| {
                (parameter["name"].as_str().unwrap_or_default().to_owned(), parameter["schema"].clone())
            };
            let form =
                operation["parameters"].as_array().into_iter().flatten().filter(|parameter| parameter["in"] == "query");
            let properties: Map<String, Value> = form.map(of).collect();
            operation["requestBody"] = json!({
                "description": "The same parameters, as a form.",
                "content": { "application/x-www-form-urlencoded": {
                    "schema": { "type": "object", "properties": properties },
                } },
            });
        }
        Takes::Nothing | Takes::Form => {}
        Takes::One(object) => {
            let schema = Schema::Object(object).render(components);
            operation["requestBody"] =
                json!({ "required": true, "content": { "application/json": { "schema": schema } } });
        }
        Takes::Fields => {
            let schema = Schema::Fields.render(components);
            operation["requestBody"] =
                json!({ "required": true, "content": { "application/json": { "schema": schema } } });
        }
        Takes::Many(object) => {
            let item = Schema::Object(object).render(components);
            let array = json!({ "type": "array", "minItems": 1, "maxItems": 1000, "items": item });
            operation["requestBody"] = json!({
                "required": true,
                "description": "An array, or with `application/x-ndjson` one object on each line.",
                "content": { "application/json": { "schema": array } },
            });
        }
    }
    operation
}

fn responses(route: &Route, components: &mut Map<String, Value>) -> Value {
    let mut responses = Map::new();
    let envelope = |data: Value, page: bool| {
        let mut schema = json!({
            "type": "object",
            "required": ["success", "data"],
            "additionalProperties": false,
            "properties": { "success": { "const": true }, "data": data },
        });
        if page {
            schema["required"] = json!(["success", "data", "next_cursor"]);
            schema["properties"]["next_cursor"] = json!({ "type": ["string", "null"], "format": "uuid" });
        }
        json!({ "application/json": { "schema": schema } })
    };
    let mut add = |status: u16, about: &str, content: Value| {
        responses.insert(status.to_string(), json!({ "description": about, "content": content }));
    };
    match route.answers {
        Answers::One(data) => add(200, "It is done.", envelope(data.render(components), false)),
        Answers::Created(data) => {
            let data = data.render(components);
            add(200, "It was created before, under the same key.", envelope(data.clone(), false));
            add(201, "It is created and kept.", envelope(data, false));
        }
        Answers::Page(of) => {
            let items = json!({ "type": "array", "items": of.render(components) });
            add(200, "A page, newest first.", envelope(items, true));
        }
        Answers::Document(kind) => add(200, "The document.", json!({ kind: {} })),
    }
    let ours = json!({ "$ref": "#/components/schemas/Error" });
    let is_form = matches!(route.takes, Takes::Form);
    let error = if is_form {
        // What is wrong with the call is said as by all other routes, what is wrong with the form as by Prometheus.
        let theirs = json!({ "$ref": "#/components/schemas/PrometheusError" });
        json!({ "application/json": { "schema": { "anyOf": [ours, theirs] } } })
    } else {
        json!({ "application/json": { "schema": ours } })
    };
    for code in Code::ALL {
        let takes = !matches!(route.takes, Takes::Nothing);
        let answered = match code {
            Code::NotFound => route.path.contains('{'),
            Code::MethodNotAllowed => false,
            Code::RequestTimeout | Code::TooLarge | Code::UnsupportedMediaType | Code::UnsupportedEncoding => takes,
            Code::Forbidden => route.forbids || route.role > super::Role::User,
            Code::StaleVersion | Code::InvalidTransition | Code::Conflict | Code::KeyReused => route.conflicts,
            _ => true,
        };
        if answered {
            add(code.status(), code.about(), error.clone());
        }
    }
    if is_form {
        responses
            .insert("422".into(), json!({ "description": "The expression cannot be evaluated.", "content": error }));
    }
    if !route.parameters.is_empty() {
        // The server says it before anything of ours is asked, without a body.
        responses.insert("414".into(), json!({ "description": "The query is longer than the server takes." }));
    }
    responses.sort_keys();
    Value::Object(responses)
}

/// The names in braces in a path.
fn parts(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}
