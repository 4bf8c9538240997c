//! What the description says of callers: the token that each route asks for, as the settings are, and only
//! the routes that this port serves.

use serde_json::{Map, Value, json};

use crate::{
    access::{Area, Need},
    config::Config,
};

/// The name of the scheme within the description.
const SCHEME: &str = "bearer";

/// Makes `document` true under these settings.
pub(super) fn apply(document: &mut Value, config: &Config) {
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else { return };
    if config.server.management_bind.is_some() {
        paths.retain(|path, _| !Need::of(path).is_management());
    }
    let Some(access) = &config.access else { return };
    for (path, item) in paths.iter_mut() {
        let operations = item.as_object_mut().into_iter().flat_map(Map::values_mut);
        for operation in operations {
            ask(operation, Need::of(path), &access.open);
        }
    }
    if let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) {
        let scheme = json!({
            "type": "http",
            "scheme": "bearer",
            "description": "A token from the list of tokens, or a signed one (JWT). Its scopes are `detect`, `jobs` and \
                            `admin`, which includes the others.",
        });
        components.insert("securitySchemes".to_owned(), json!({ SCHEME: scheme }));
    }
}

/// Writes what an operation asks for, and how it refuses.
fn ask(operation: &mut Value, need: Need, open: &[Area]) {
    let scopes: Vec<&str> = match need {
        Need::Area(area) if open.contains(&area) => return,
        Need::Area(_) | Need::Token => Vec::new(),
        Need::Scope(scope) => vec![scope.word()],
    };
    let Some(operation) = operation.as_object_mut() else { return };
    let needs_scope = !scopes.is_empty();
    operation.insert("security".to_owned(), json!([{ SCHEME: scopes }]));
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else {
        return;
    };
    responses.insert("401".to_owned(), problem("No valid token; see `WWW-Authenticate`"));
    if needs_scope {
        responses.insert("403".to_owned(), problem("The token does not have the scope"));
    }
}

fn problem(description: &str) -> Value {
    json!({
        "description": description,
        "headers": { "WWW-Authenticate": { "schema": { "type": "string" } } },
        "content": {
            "application/problem+json": { "schema": { "$ref": "#/components/schemas/ProblemBody" } },
        },
    })
}

#[cfg(test)]
mod tests {
    use utoipa::OpenApi;

    use crate::{access::Need, http::ApiDoc};

    #[test]
    fn every_route_that_is_described_has_a_stated_need() {
        for path in ApiDoc::openapi().paths.paths.keys() {
            assert!(Need::stated(path).is_some(), "{path} asks for any token only by default");
        }
    }
}
